// What a reload does once the file has been read (libcore/program/reload.h): everything in it comes into
// force at once, and nothing that was established is cut. A worker takes it up between two wake-ups' work.
//
//   a request in progress, a tunnel or an event stream goes on by the rules under which it began; the next
//     request on its connection goes by the new ones
//   a listener that is gone is closed once those who wait there have been accepted; connections live on
//   a server that is gone gets no more requests; what is known of those that stay is kept
//   the PIN guard keeps its counts and bans, even while it is off
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/program/reload.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/change.h"
#include "rproxyd/shell/service.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

// load_usable() with the path of the running daemon's file.
using ReadSettings = program::Reload<Settings>::Read;

class Reload {
 public:
  // How long it waits for the workers to take the change up: one that hangs, or has ended, is not waited
  // for.
  static constexpr std::chrono::seconds kPatience{5};

  // `service` and `workers` must outlive it. All calls come from one thread, none of the workers'.
  Reload(Service& service, std::vector<Worker*> workers)
      : service_(service), workers_(std::move(workers)) {}

  // What takes a restart; or why nothing was changed.
  core::Result<std::vector<std::string>> apply(const Settings& read);

 private:
  void hand_out(std::vector<WorkerChange> changes);
  void tell(const Generation& former, const Change& change) const;

  Service& service_;
  std::vector<Worker*> workers_;
};

} // namespace rproxyd
