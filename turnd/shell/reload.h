// What a reload changes while sessions go on, in every worker (libcore/program/reload.h).
//
//   credentials, realm   asked for from the next request on; an allocation keeps the key that it was
//                        made with
//   certificates         of the next connection; the files are read again, changed names or not
#pragma once

#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/program/reload.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/service.h"
#include "turnd/shell/worker.h"

namespace turnd {

// load() with the path of the running daemon's file.
using ReadSettings = program::Reload<Settings>::Read;

class Reload {
 public:
  // `service` and `workers` must outlive it. All calls come from one thread, none of the workers'.
  Reload(Service& service, std::vector<Worker*> workers)
      : service_(service), workers_(std::move(workers)), in_force_(service.settings()) {}

  // What takes a restart; or why nothing was changed.
  core::Result<std::vector<std::string>> apply(const Settings& settings);

 private:
  Service& service_;
  std::vector<Worker*> workers_;
  Settings in_force_;
};

} // namespace turnd
