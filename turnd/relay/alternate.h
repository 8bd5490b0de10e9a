// Other servers, where clients are sent when this one doesn't serve them (RFC 8489 section 10).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcore/base/address.h"

namespace turnd {

struct AlternateServers {
  enum class When : std::uint8_t {
    draining, // while this server waits for its allocations to end
    full,     // then, and when there is no room for another one
    busier,   // then, and when another one is clearly less busy (turnd/relay/sibling_loads.h)
    always,   // this server only says where to go
  };

  std::vector<core::SocketAddress> servers; // used in turn
  std::string domain;                       // what their certificates are for; empty: not told
  When when = When::full;
};

} // namespace turnd
