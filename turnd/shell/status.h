// turnd's figures as /status has them, beside what admin::common_status() says.
#pragma once

#include <nlohmann/json.hpp>

#include "libcore/base/time.h"
#include "turnd/shell/daemon_figures.h"

namespace turnd {

// Adds to `status`: configuration's state, listeners, certificates, allocations, relay, totals, gauges.
void add_status(nlohmann::json& status, const DaemonFigures& figures, core::WallTime now);

} // namespace turnd
