// What `rproxyd bans` asks of a running daemon, over the admin socket:
//
//   {"command": "bans", "action": "list"}                                  and "clear"
//   {"command": "bans", "action": "add", "address": "…", "seconds": 600}   seconds may be left out
//   {"command": "bans", "action": "remove", "address": "…"}
//
// {"ok": true, …} or {"ok": false, "error": "a sentence"} comes back.
#pragma once

#include "libcore/admin/commands.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

// Borrows the service.
void add_ban_commands(admin::Commands& commands, Service& service);

} // namespace rproxyd
