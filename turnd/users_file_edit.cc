#include "turnd/users_file_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "libcore/event/fd.h"

namespace turnd {
namespace {

std::unexpected<core::Error> system_failure(const std::string& path) {
  return core::failure(fmt::format("{}: {}", path, std::generic_category().message(errno)));
}

// A symbolic link stays one: what it leads to is replaced.
std::string without_links(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  return error ? path : real.string();
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

core::Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure(path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd) != 0) return system_failure(path);
  return {};
}

// A file beside the one that it is to replace; goes with its object unless it took the name.
class Replacement {
 public:
  explicit Replacement(std::string path) : path_(std::move(path)), name_(path_ + ".XXXXXX") {}
  ~Replacement() {
    if (fd_) ::unlink(name_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  // `old`: whose mode and owner it gets; without one only the user may read it.
  core::Result<void> write(std::string_view text, const std::optional<struct stat>& old) {
    fd_ = event::Fd(::mkostemp(name_.data(), O_CLOEXEC)); // mode 0600
    if (!fd_) return system_failure(folder_of(path_));
    if (old) {
      struct stat own{};
      if (::fstat(fd_.get(), &own) != 0) return system_failure(name_);
      const bool is_others = own.st_uid != old->st_uid || own.st_gid != old->st_gid;
      if (is_others && ::fchown(fd_.get(), old->st_uid, old->st_gid) != 0) {
        return core::failure(fmt::format("{}: only its owner or root can keep its owner: {}", path_,
                                         std::generic_category().message(errno)));
      }
      if (::fchmod(fd_.get(), old->st_mode & 07777) != 0) return system_failure(name_);
    }
    return write_all(fd_.get(), text, name_);
  }
  core::Result<void> take_name() {
    if (::rename(name_.c_str(), path_.c_str()) != 0) return system_failure(path_);
    fd_.reset();
    return {};
  }

 private:
  std::string path_;
  std::string name_;
  event::Fd fd_;
};

} // namespace

core::Result<UsersFile> load_users_file(const std::string& path, const std::string& realm) {
  config::Problems problems;
  auto file = read_users_file(path, config::SystemSurroundings(), problems);
  if (!file) {
    std::string lines;
    for (const auto& problem : problems) {
      lines += (lines.empty() ? "" : "\n") + config::to_string(problem);
    }
    return core::failure(lines);
  }
  if (!realm.empty() && file->realm != realm) {
    return core::failure(fmt::format(
        "{}: is for the realm \"{}\"; its keys are of no use in \"{}\"", path, file->realm, realm));
  }
  return *std::move(file);
}

core::Result<void> edit_users_file(const std::string& given_path, const std::string& realm,
                                   const std::function<core::Result<void>(UsersFile&)>& change) {
  const std::string path = without_links(given_path);
  const std::string folder = folder_of(path);
  const event::Fd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return system_failure(folder);
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_failure(folder);
  }

  std::optional<struct stat> old(std::in_place);
  if (::stat(path.c_str(), &*old) != 0) {
    if (errno != ENOENT || realm.empty()) return system_failure(path);
    old.reset();
  } else if (!S_ISREG(old->st_mode)) {
    return core::failure(fmt::format("{}: is not a regular file", path));
  }
  UsersFile file{.realm = realm, .users = {}};
  if (old) {
    auto loaded = load_users_file(path, realm);
    if (!loaded) return std::unexpected(loaded.error());
    file = *std::move(loaded);
  }

  if (auto changed = change(file); !changed) return changed;
  Replacement replacement(path);
  if (auto written = replacement.write(to_text(file), old); !written) return written;
  if (auto renamed = replacement.take_name(); !renamed) return renamed;
  if (::fsync(lock.get()) != 0) return system_failure(folder);
  return {};
}

} // namespace turnd
