// What the guard did, for the audit log and for metrics. No PIN is ever in it.
#pragma once

#include <cstdint>
#include <string>

#include "libcore/base/address.h"
#include "libcore/base/time.h"
#include "rproxyd/guard/client_network.h"

namespace rproxyd {

struct GuardEvent {
  enum class Kind : std::uint8_t {
    failed,    // an attempt that counts
    banned,    // by failures
    added,     // a ban by hand
    lifted,    // by hand
    ended,     // by time
    unbanned,  // a ban that there was no room for: token requests are refused all the same
    pair_full, // a shared address may try this room no more for a while
    room_slow, // a room is attacked: newcomers to it are held back
  };
  Kind kind = Kind::failed;
  core::WallTime time{};
  core::IpAddress client = {}; // failed
  ClientNetwork network = {};  // failed and what is said of bans
  std::string room = {};       // as room_key(); empty where it plays no part
  std::size_t failures = 0;    // within the window, this one included
  core::Duration length{};     // of a ban
  unsigned offences = 0;
  bool tokens_only = false;
};

struct GuardCounters {
  std::uint64_t attempts = 0;       // let through
  std::uint64_t waits = 0;          // times that an attempt was told to wait
  std::uint64_t failures = 0;       // that count against a client
  std::uint64_t wrong_pins = 0;     // among all answers
  std::uint64_t admissions = 0;     // tokens given
  std::uint64_t bans = 0;           // by failures
  std::uint64_t refused_banned = 0; // token requests
  std::uint64_t refused_room = 0;
  std::uint64_t refused_exhausted = 0;
  std::uint64_t would_refuse = 0; // in a dry run
  std::uint64_t events_lost = 0;
};

} // namespace rproxyd
