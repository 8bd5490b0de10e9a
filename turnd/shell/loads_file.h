// Looks at alternate.loads_file every second, where there is one, and has the workers know what it says
// (relay/loads_format.h). What keeps it from being used is said once, and once that it is over.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "libcore/base/error.h"
#include "libcore/event/loop.h"
#include "turnd/shell/service.h"

namespace turnd {

class LoadsFile final : private event::DeadlineHandler {
 public:
  static constexpr core::Duration kLookEvery = std::chrono::seconds(1);

  // Borrows both. All calls are the loop's thread's, or come before it runs.
  LoadsFile(event::Loop& loop, Service& service) : loop_(loop), service_(service) {}
  ~LoadsFile() = default;

  // By the settings that are in force from now on.
  void start();

 private:
  struct Version {
    ino_t file = 0;
    off_t size = 0;
    std::chrono::nanoseconds written{}; // since the epoch

    friend bool operator==(const Version&, const Version&) = default;
  };

  void on_deadline(int /*kind*/) override { look(); }
  void look();
  core::Result<void> take(const std::string& path);
  core::Result<void> read(const std::string& path, core::TimePoint as_of);

  event::Loop& loop_;
  Service& service_;
  std::optional<Version> seen_;
  core::Result<void> outcome_; // of reading that one
  std::string said_;           // what is wrong; empty: nothing
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this)};
};

} // namespace turnd
