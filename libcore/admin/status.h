// The part of /status that both daemons have in common.
//
//   program, version, pid, started (RFC 3339), uptime_seconds, state ("serving", "draining",
//   "handed_over"), workers, configuration { file, … }, listeners [{ transport, address }]
//   sandbox { user, capabilities [], no_new_privileges, seccomp, landlock, core_dumps, remarks [] }: each
//   measure is "on", "off" or "unavailable"
//   certificates [], warnings [{ since, text }], totals { name: a number that only grows },
//   gauges { name: a number }
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/time.h"
#include "libcore/event/announce.h"
#include "libcore/sandbox/sandbox.h"

namespace admin {

struct Facts {
  std::string program;
  core::Now started;
  unsigned workers = 0;
  std::string configuration_file;
  std::vector<event::BoundListener> listeners;
  sandbox::Report sandbox = {};
};

// A daemon adds its own to this, and fills totals and gauges.
nlohmann::json common_status(const Facts& facts, std::string_view state, const core::Now& now);

std::string rfc3339(core::WallTime time); // "2026-03-01T12:00:00Z"

} // namespace admin
