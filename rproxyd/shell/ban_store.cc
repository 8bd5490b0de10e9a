#include "rproxyd/shell/ban_store.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <system_error>

#include "libcore/event/fd.h"
#include "rproxyd/guard/ban_file.h"

namespace rproxyd {
namespace {

core::Error failed(std::string_view what, const std::string& path) {
  return {fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(errno))};
}

// nullopt: there is no such file.
core::Result<std::optional<std::string>> read_file(const std::string& path) {
  const event::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    return std::unexpected(failed("open", path));
  }
  std::string text;
  std::string piece(std::size_t{64} * 1024, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(failed("read", path));
    if (got == 0) return text;
    text.append(piece, 0, static_cast<std::size_t>(got));
    if (text.size() > BanStore::kMaxBytes)
      return core::failure(fmt::format("{} is larger than {} bytes", path, BanStore::kMaxBytes));
  }
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// A rename is on the disk when its folder is.
void sync_folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const event::Fd file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() >= 0) static_cast<void>(::fsync(file.get()));
}

} // namespace

core::Result<std::vector<Ban>> BanStore::load(const core::Now& now, core::Duration longest,
                                              logging::Logger& log) const {
  const auto kept = read_file(path_);
  if (!kept) return std::unexpected(kept.error());
  const std::optional<std::string>& text = *kept;
  if (!text) return std::vector<Ban>{};
  if (auto bans = read_bans(*text, now, longest)) return *std::move(bans);

  const std::string aside = path_ + ".damaged";
  if (::rename(path_.c_str(), aside.c_str()) != 0)
    return std::unexpected(failed("put aside the damaged", path_));
  log.warning("pin_guard.state_damaged", "the file of bans can't be read: it begins anew",
              logging::field("file", path_), logging::field("put_aside", aside));
  return std::vector<Ban>{};
}

core::Result<void> BanStore::save(const std::vector<Ban>& bans, const core::Now& now) const {
  const std::string fresh = path_ + ".new";
  // Left behind by a crash, perhaps with other permissions.
  if (::unlink(fresh.c_str()) != 0 && errno != ENOENT)
    return std::unexpected(failed("replace", fresh));
  const event::Fd file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return std::unexpected(failed("create", fresh));
  if (!write_all(file.get(), write_bans(bans, now)) || ::fsync(file.get()) != 0)
    return std::unexpected(failed("write", fresh));
  if (::rename(fresh.c_str(), path_.c_str()) != 0) return std::unexpected(failed("replace", path_));
  sync_folder_of(path_);
  return {};
}

} // namespace rproxyd
