// What one worker has for the process that takes over: its links, numbered from 0, what its server
// knows, and their sockets, borrowed. In the order that turnd/relay/take_over.h tells.
#pragma once

#include <vector>

#include "turnd/relay/take_over.h"

namespace turnd {

struct Leaving {
  std::vector<LinkState> links; // listeners first
  // Of each link: its own, and behind it those of who is served elsewhere.
  std::vector<std::vector<int>> link_sockets;
  ServerState server;
  std::vector<int> relay_sockets; // and those of reservations behind them
};

} // namespace turnd
