// The running daemon: sockets, a thread per worker, signals.
#pragma once

#include <string>

#include "libcore/base/error.h"
#include "libcore/log/log.h"
#include "libcore/program/confinement.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/reload.h"

namespace rproxyd {

// Serves until SIGTERM or SIGINT, then finishes what is in progress within settings.drain_timeout;
// a second signal ends it at once. Fails, with the reason, when it can't start. `announce_file`
// (empty: none) gets the bound addresses; `config_file` is shown.
core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              bool take_over, ReadSettings reread,
                              const program::Confinement& confinement);

} // namespace rproxyd
