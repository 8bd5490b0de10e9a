// What a reload changes while calls go on (libcore/program/reload.h).
//
//   certificates   of the next connection; the files are read again, changed names or not
//   servers        of pools: new ones get their share of new clients, those that are gone get no more
//                  requests, and what is in progress with them goes on
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/program/reload.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/service.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

// load_usable() with the path of the running daemon's file.
using ReadSettings = program::Reload<Settings>::Read;

class Reload {
 public:
  // How long it waits for the workers to take a generation up.
  static constexpr std::chrono::seconds kPatience{5};

  // `service` and `workers` must outlive it. All calls come from one thread, none of the workers'.
  Reload(Service& service, std::vector<Worker*> workers)
      : service_(service), workers_(std::move(workers)) {}

  // What takes a restart; or why nothing was changed.
  core::Result<std::vector<std::string>> apply(const Settings& settings);

 private:
  static Settings applied(const Settings& in_force, const Settings& read);
  core::Result<void> hand_out(const std::shared_ptr<const Generation>& next,
                              const Generation& former);
  void follow_servers(const Settings& former, const Settings& next);

  Service& service_;
  std::vector<Worker*> workers_;
};

} // namespace rproxyd
