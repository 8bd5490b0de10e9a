// Bans as they are kept in a file: JSON, with ends in wall-clock time, so that they mean the same
// after a restart.
//
//   {"version": 1, "bans": [
//     {"network": "203.0.113.7", "until": 1767261600, "since": 1767261300, "offences": 1,
//      "tokens_only": false, "by_hand": false, "room": "demo"}
//   ]}
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/time.h"
#include "rproxyd/guard/ban_list.h"

namespace rproxyd {

std::string write_bans(const std::vector<Ban>& bans, const core::Now& now);

// nullopt: this is no such file, or a damaged one. Bans that have ended are among those that come
// back, for growth. None lasts longer than `longest` from now on, whatever a clock that was wrong
// has written.
std::optional<std::vector<Ban>> read_bans(std::string_view text, const core::Now& now,
                                          core::Duration longest);

} // namespace rproxyd
