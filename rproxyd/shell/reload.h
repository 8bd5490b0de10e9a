// What a reload changes while calls go on (libcore/program/reload.h).
//
//   certificates   of the next connection; the files are read again, changed names or not
//   servers        of pools: new ones get their share of new clients, those that are gone get no more
//                  requests, and what is in progress with them goes on
#pragma once

#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/program/reload.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

// load_usable() with the path of the running daemon's file.
using ReadSettings = program::Reload<Settings>::Read;

class Reload {
 public:
  // `service` must outlive it. All calls come from one thread, none of the workers'.
  explicit Reload(Service& service) : service_(service), in_force_(*service.settings) {}

  // What takes a restart; or why nothing was changed.
  core::Result<std::vector<std::string>> apply(const Settings& settings);

 private:
  Service& service_;
  Settings in_force_;
};

} // namespace rproxyd
