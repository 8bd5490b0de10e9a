// What a Redis server runs for the guards that share it: one script, one atomic call for all that a
// guard has to say and to hear. It knows nothing of limits and bans: it puts what guards say into one
// order, and keeps what a guard that comes later has to know.
//
//   KEYS[1]  the beginning of all keys: "{vestibule}:guard"
//   ARGV[1]  mode    join, merge, go or state: see FleetReplica
//   ARGV[2]  name    of the guard
//   ARGV[3]  lineage that it knows: what is kept there has not been lost since
//   ARGV[4]  number  of the last thing said that it has heard
//   ARGV[5]  fresh   the lineage to begin, if need be
//   ARGV[6]  window, ARGV[7] memory: milliseconds that failures, and who has entered, are kept
//   ARGV[8…] things said, five words each: kind, id, number, payload, door
//
//   answers  lineage, time in milliseconds, number, mode or "anew", things said since, guards, and for
//            state: failures, open attempts, bans, entrants
#pragma once

#include <string_view>

namespace rproxyd {

extern const std::string_view kFleetScript;
inline constexpr std::string_view kFleetKey = "{vestibule}:guard";

} // namespace rproxyd
