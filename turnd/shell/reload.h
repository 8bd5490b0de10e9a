// What a reload changes in every worker while sessions go on (libcore/program/reload.h). The rules of each
// subject stand with Server::set_config() and in docs/decisions/0034-what-a-reload-takes-away.md.
#pragma once

#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/program/reload.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/listeners.h"
#include "turnd/shell/service.h"
#include "turnd/shell/worker.h"

namespace turnd {

// load() with the path of the running daemon's file.
using ReadSettings = program::Reload<Settings>::Read;

class Reload {
 public:
  // What is referred to must outlive it. All calls come from one thread, none of the workers'.
  Reload(Service& service, Listeners& listeners, std::vector<Worker*> workers)
      : service_(service), listeners_(listeners), workers_(std::move(workers)) {}

  // What takes a restart; or why nothing was changed.
  core::Result<std::vector<std::string>> apply(const Settings& read);

 private:
  Service& service_;
  Listeners& listeners_;
  std::vector<Worker*> workers_;
};

} // namespace turnd
