#include "libcore/event/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

namespace event {
namespace {

constexpr std::uint32_t kWhatHappens = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE |
                                       IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                                       IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kMaxLinks = 16; // on the way to one file

// The folders in which something must happen for this path to lead to another file, or to other bytes:
// that of the file, and that of every link on the way.
void add_folders(std::filesystem::path path, std::set<std::string>& folders, int links_left) {
  std::error_code none;
  path = std::filesystem::absolute(path, none).lexically_normal();
  std::filesystem::path so_far;
  for (auto part = path.begin(); part != path.end(); ++part) {
    const std::filesystem::path folder = so_far;
    so_far /= *part;
    if (links_left == 0 || !std::filesystem::is_symlink(so_far, none)) continue;
    folders.insert(folder.string());
    std::filesystem::path target = std::filesystem::read_symlink(so_far, none);
    if (target.is_relative()) target = folder / target;
    for (++part; part != path.end(); ++part) target /= *part;
    return add_folders(target, folders, links_left - 1);
  }
  folders.insert(path.parent_path().string());
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

} // namespace

FileWatch::FileWatch(Loop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)) {}

FileWatch::~FileWatch() {
  if (inotify_) loop_.poller().remove(inotify_.get(), *this);
}

bool FileWatch::set(std::vector<std::string> files) {
  const auto former = std::exchange(files_, {});
  for (std::string& file : files) {
    // What has happened to one that is known, since it was looked at, is still to be told.
    const auto known = former.find(file);
    const Look look = known == former.end() ? look_at(file) : known->second;
    files_.emplace(std::move(file), look);
  }
  return watch_folders();
}

FileWatch::Look FileWatch::look_at(const std::string& file) {
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return {};
  return {.device = found.st_dev,
          .number = found.st_ino,
          .size = static_cast<std::uint64_t>(found.st_size),
          .written = nanoseconds(found.st_mtim),
          .changed = nanoseconds(found.st_ctim)};
}

// Links may lead elsewhere than the last time.
bool FileWatch::watch_folders() {
  std::set<std::string> wanted;
  for (const auto& [file, look] : files_) add_folders(file, wanted, kMaxLinks);
  if (!inotify_) {
    if (wanted.empty()) return true;
    inotify_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_) return false;
    loop_.poller().add(inotify_.get(), Interest::read, Trigger::level, *this);
  }
  std::erase_if(folders_, [&](const auto& folder) {
    if (wanted.contains(folder.first)) return false;
    ::inotify_rm_watch(inotify_.get(), folder.second);
    return true;
  });
  bool all = true;
  for (const std::string& folder : wanted) all = watch_folder(folder) && all;
  return all;
}

// Asked for anew each time: a folder of this name may be another one. The kernel gives a folder one
// number, whatever it is called.
bool FileWatch::watch_folder(const std::string& folder) {
  if (!folders_.contains(folder) && folders_.size() >= kMaxFolders) return false;
  const int number = ::inotify_add_watch(inotify_.get(), folder.c_str(), kWhatHappens);
  if (number < 0) {
    folders_.erase(folder);
    return false;
  }
  folders_[folder] = number;
  return true;
}

void FileWatch::on_ready(Readiness) {
  alignas(inotify_event) std::array<char, 4096> events{};
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  if (!pending_) since_ = loop_.now().steady;
  pending_ = true;
  loop_.set(deadline_, std::min(loop_.now().steady + kQuiet, since_ + kLongest));
}

void FileWatch::on_deadline(int) {
  pending_ = false;
  bool others = false;
  for (auto& [file, look] : files_) {
    const Look now = look_at(file);
    others = others || now != look;
    look = now;
  }
  watch_folders();
  if (others) changed_();
}

} // namespace event
