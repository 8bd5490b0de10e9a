#include "libcore/log/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace logging {
namespace {

// Non-blocking, for the path may be a pipe or a terminal.
core::Result<int> open_to_append(const std::string& path) {
  const int opened =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (opened < 0) {
    return core::failure(
        fmt::format("cannot open {}: {}", path, std::generic_category().message(errno)));
  }
  return opened;
}

} // namespace

core::Result<LineFile> LineFile::open(std::string path) {
  const auto opened = open_to_append(path);
  if (!opened) return std::unexpected(opened.error());
  return LineFile(std::move(path), *opened);
}

LineFile::~LineFile() {
  if (descriptor_ < 0) return;
  flush();
  ::close(descriptor_);
}

LineFile::LineFile(LineFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::exchange(other.buffer_, {})),
      mid_line_(other.mid_line_),
      dropped_(other.dropped_) {}

LineFile& LineFile::operator=(LineFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(buffer_, other.buffer_);
  std::swap(mid_line_, other.mid_line_);
  std::swap(dropped_, other.dropped_);
  return *this;
}

void LineFile::append(std::string_view line) {
  line = line.substr(0, kLineLimit);
  if (buffer_.size() + line.size() + 1 > kBufferLimit) flush();
  if (buffer_.size() + line.size() + 1 > kBufferLimit) {
    ++dropped_;
    return;
  }
  const auto start = static_cast<std::ptrdiff_t>(buffer_.size());
  buffer_ += line;
  std::replace(buffer_.begin() + start, buffer_.end(), '\n', ' ');
  buffer_ += '\n';
}

void LineFile::flush() {
  if (buffer_.empty()) return;
  ssize_t written = 0;
  do {
    written = ::write(descriptor_, buffer_.data(), buffer_.size());
  } while (written < 0 && errno == EINTR);
  if (written <= 0) return;
  mid_line_ = buffer_[static_cast<std::size_t>(written) - 1] != '\n';
  buffer_.erase(0, static_cast<std::size_t>(written));
}

core::Result<void> LineFile::reopen() {
  flush();
  const auto opened = open_to_append(path_);
  if (!opened) return std::unexpected(opened.error());
  ::close(descriptor_);
  descriptor_ = *opened;
  if (mid_line_) { // its beginning stands in the old file
    buffer_.erase(0, buffer_.find('\n') + 1);
    mid_line_ = false;
    ++dropped_;
  }
  return {};
}

} // namespace logging
