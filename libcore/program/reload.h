// SIGHUP: the configuration is read again, and what can change while clients are served is changed; what
// can't is named. Both daemons reload in this way:
//
//   1. the file is read and checked; anything wrong in it: refused
//   2. the daemon's `apply` prepares what could still fail (sockets, certificates); if it does: refused
//   3. `apply` changes what it has prepared, which can't fail any more
//
// All or nothing: what is refused leaves everything as it is. What became of it stands in the log, and
// in a ReloadRecord for those who ask later.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/base/time.h"
#include "libcore/config/problem.h"
#include "libcore/event/file_watch.h"
#include "libcore/log/log.h"

namespace program {

// What became of the reloads of a daemon. To be read and written by any thread.
class ReloadRecord {
 public:
  static constexpr std::size_t kMaxProblems = 32; // of a refusal; the log has them all

  struct Refusal {
    core::WallTime at;
    std::vector<std::string> problems; // one line each
  };
  struct Figures {
    core::WallTime loaded; // since then the configuration in force is
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
    std::optional<Refusal> last_refusal;    // nullopt: none since the last that was done
    std::vector<std::string> needs_restart; // keys of the file that differ from what is in force
  };

  explicit ReloadRecord(core::WallTime started);
  Figures figures() const;
  void done(core::WallTime at, std::vector<std::string> needs_restart);
  void refused(core::WallTime at, std::vector<std::string> problems);

 private:
  mutable std::mutex mutex_;
  Figures figures_;
};

// The part of a reload that knows no settings: what is said, and to whom.
class ReloadReport {
 public:
  ReloadReport(logging::Logger& log, ReloadRecord& record) : log_(log), record_(record) {}

  void begin();
  void warnings(const config::Problems& problems);
  void refused(const config::Problems& problems);
  void refused(const core::Error& error);
  void done(const std::vector<std::string>& needs_restart);

 private:
  logging::Logger& log_;
  ReloadRecord& record_;
};

template <typename Settings>
class Reload {
 public:
  // load() with the path of the running daemon's file.
  using Read = std::function<std::expected<config::Loaded<Settings>, config::Problems>()>;
  // Steps 2 and 3. The answer: the keys that take a restart, which have changed since the start; or
  // why nothing was changed.
  using Apply = std::function<core::Result<std::vector<std::string>>(const Settings&)>;

  // `log` and `record` must outlive it.
  Reload(logging::Logger& log, ReloadRecord& record, Read read, Apply apply)
      : report_(log, record), read_(std::move(read)), apply_(std::move(apply)) {}

  // All calls come from one thread.
  void run() {
    report_.begin();
    const auto loaded = read_();
    if (!loaded) return report_.refused(loaded.error());
    report_.warnings(loaded->warnings);
    const auto applied = apply_(loaded->settings);
    if (!applied) return report_.refused(applied.error());
    report_.done(*applied);
  }

 private:
  ReloadReport report_;
  Read read_;
  Apply apply_;
};

// Reloads when one of the files changes that the configuration names.
class WatchedFiles {
 public:
  // `run` leads to Reload::run(), on the loop's thread. Borrows the log.
  WatchedFiles(event::Loop& loop, logging::Logger& log, std::function<void()> run);
  // Of the configuration that is in force from now on; none where it isn't to be watched.
  void set(std::vector<std::string> files);

 private:
  logging::Logger& log_;
  event::FileWatch watch_;
};

} // namespace program
