// Says when files change, however that is done: written in place, renamed over, or by a symbolic link on
// the way to them that points elsewhere now (as certbot and Kubernetes do). Files that aren't there yet
// may come.
//
// inotify tells that something happened in one of the folders on the way, links followed; then each file
// is looked at. Changes that come together are told once, when it has been quiet for a moment.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libcore/event/fd.h"
#include "libcore/event/loop.h"

namespace event {

class FileWatch final : private ReadyHandler, private DeadlineHandler {
 public:
  static constexpr core::Duration kQuiet = std::chrono::milliseconds(500);
  // Where it is never quiet.
  static constexpr core::Duration kLongest = std::chrono::seconds(5);
  static constexpr std::size_t kMaxFolders = 512; // further ones aren't watched

  // On the loop's thread.
  FileWatch(Loop& loop, std::function<void()> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // These from now on, in place of any before. False: the kernel has no watch to give; errno says why.
  bool set(std::vector<std::string> files);

 private:
  // Which file it is and when it was written; zeros: it isn't there.
  struct Look {
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::int64_t written = 0; // nanoseconds
    std::int64_t changed = 0; // likewise
    friend bool operator==(const Look&, const Look&) = default;
  };

  void on_ready(Readiness readiness) override;
  void on_deadline(int kind) override;
  static Look look_at(const std::string& file);
  bool watch_folders();
  bool watch_folder(const std::string& folder);

  Loop& loop_;
  std::function<void()> changed_;
  Fd inotify_;
  std::map<std::string, Look> files_;
  std::map<std::string, int> folders_; // the kernel's numbers
  core::TimePoint since_{};            // the first thing that happened and has not been looked at
  core::Deadline deadline_{static_cast<DeadlineHandler*>(this)};
  bool pending_ = false;
};

} // namespace event
