// What /status says of rproxyd beyond what both daemons have in common (libcore/admin/status.h):
//
//   pools   [{ name, policy, servers [{ address, server, state, since, why, weight, backup, in_flight,
//              requests, failures, latency_ms { p50, p99 }, checks { passed, failed },
//              history [{ at, state, why }] }] }]
//   guard   { enabled, dry_run, attempts, wrong_pins, …, bans_active,
//             bans [{ address, since, until, seconds_left, reason, offences, tokens_only }] }
#pragma once

#include <nlohmann/json.hpp>

#include "libcore/base/time.h"
#include "rproxyd/shell/figures.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

// Bans that are listed at most; bans_active counts all.
inline constexpr std::size_t kBansShown = 200;

nlohmann::json pools_status(const Generation& generation, const core::Now& now);
nlohmann::json guard_status(SharedGuard* guard, const core::Now& now); // null: off
nlohmann::json certificates_status(const Generation& generation, const core::Now& now);
nlohmann::json listeners_status(const WorkerFigures& figures);
nlohmann::json configuration_status(const program::ReloadRecord::Figures& reloads);
nlohmann::json totals_status(const WorkerFigures& figures, SharedGuard* guard);
nlohmann::json gauges_status(const WorkerFigures& figures);

} // namespace rproxyd
