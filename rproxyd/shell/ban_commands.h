// What `rproxyd bans` asks of a running daemon, over the admin socket:
//
//   {"command": "bans", "action": "list"}                                  and "clear"
//   {"command": "bans", "action": "add", "address": "…", "seconds": 600}   seconds may be left out
//   {"command": "bans", "action": "remove", "address": "…"}
//
// {"ok": true, …} or {"ok": false, "error": "a sentence"} comes back.
#pragma once

#include <string>
#include <string_view>

#include "libcore/base/time.h"
#include "rproxyd/shell/shared_guard.h"

namespace rproxyd {

// `guard` null: it is off.
std::string answer_ban_command(SharedGuard* guard, std::string_view question, const core::Now& now);

} // namespace rproxyd
