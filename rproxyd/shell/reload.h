// SIGHUP: the configuration is read again, and what can change while calls go on is changed. What can't
// is named in one warning.
//
//   certificates   of the next connection; the files are read again, changed names or not
//   servers        of pools: new ones get their share of new clients, those that are gone get no more
//                  requests, and what is in progress with them goes on
//
// All or nothing: a configuration with anything wrong in it leaves the one in force as it is.
#pragma once

#include <expected>
#include <functional>

#include "libcore/config/problem.h"
#include "libcore/log/log.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

// load_usable() with the path of the running daemon's file.
using ReadSettings = std::function<std::expected<config::Loaded<Settings>, config::Problems>()>;

class Reload {
 public:
  // `service` must outlive it. All calls come from one thread, none of the workers'.
  Reload(ReadSettings read, Service& service)
      : read_(std::move(read)), service_(service), in_force_(*service.settings) {}

  void run();

 private:
  void apply(const Settings& settings, TlsContexts tls);
  void refuse(const config::Problems& problems) const;

  ReadSettings read_;
  Service& service_;
  Settings in_force_;
};

} // namespace rproxyd
