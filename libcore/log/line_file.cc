#include "libcore/log/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>

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

core::Result<std::unique_ptr<LineFile>> LineFile::open(
    std::string path, std::function<void(const LineWriter::Trouble&)> on_trouble) {
  const auto opened = open_to_append(path);
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<LineFile>(new LineFile(std::move(path), *opened, std::move(on_trouble)));
}

void LineFile::append(std::string_view line) {
  std::string whole;
  batch(whole, line);
  writer_.add(whole);
}

void LineFile::batch(std::string& lines, std::string_view line) {
  line = line.substr(0, kLineLimit);
  const auto start = static_cast<std::ptrdiff_t>(lines.size());
  lines += line;
  std::replace(lines.begin() + start, lines.end(), '\n', ' ');
  lines += '\n';
}

core::Result<void> LineFile::reopen() {
  const auto opened = open_to_append(path_);
  if (!opened) return std::unexpected(opened.error());
  writer_.replace(*opened, LineWriter::Ownership::owned);
  return {};
}

} // namespace logging
