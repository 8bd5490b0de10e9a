// The running daemon: sockets, a thread per worker, signals.
#pragma once

#include <string>

#include "libcore/base/error.h"
#include "libcore/log/log.h"
#include "libcore/program/confinement.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/offload.h"
#include "turnd/shell/reload.h"

namespace turnd {

// Serves until SIGTERM or SIGINT; then nothing new is allocated, and what is there may finish within
// settings.drain_timeout. A second signal ends it at once. Fails, with the reason, when it can't
// start. `config_file` is shown; `announce_file` (empty: none) gets the bound addresses. `reread` reads the configuration again,
// on SIGHUP (reload.h). `take_over`: from the turnd that runs with the same admin.socket. `offload` has been loaded.
core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              ReadSettings reread, bool take_over,
                              const program::Confinement& confinement, Offload& offload);

} // namespace turnd
