// SIGHUP: the configuration is read again, and what can change while calls go on is changed, in every
// worker and without touching a session. What can't is named in one warning.
//
//   credentials, realm   asked for from the next request on; an allocation keeps the key that it was
//                        made with
//   certificates         of the next connection; the files are read again, changed names or not
//
// All or nothing: a configuration with anything wrong in it leaves the one in force as it is.
#pragma once

#include <expected>
#include <functional>
#include <vector>

#include "libcore/config/problem.h"
#include "libcore/log/log.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/service.h"
#include "turnd/shell/worker.h"

namespace turnd {

// load() with the path of the running daemon's file.
using ReadSettings = std::function<std::expected<config::Loaded<Settings>, config::Problems>()>;

class Reload {
 public:
  // `service` and `workers` must outlive it. All calls come from one thread, none of the workers'.
  Reload(ReadSettings read, Service& service, std::vector<Worker*> workers)
      : read_(std::move(read)),
        service_(service),
        workers_(std::move(workers)),
        in_force_(service.settings()) {}

  void run();

 private:
  void apply(const Settings& settings, TlsContexts tls);
  void refuse(const config::Problems& problems);

  ReadSettings read_;
  Service& service_;
  std::vector<Worker*> workers_;
  Settings in_force_;
};

} // namespace turnd
