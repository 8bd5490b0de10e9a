// What a PinGuard knows, as plain values: for the process that takes over from this one. Moments are of
// the steady clock, which is the same one for all processes of a machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "rproxyd/guard/ban_list.h"
#include "rproxyd/guard/client_network.h"
#include "rproxyd/guard/failure_window.h"

namespace rproxyd {

struct GuardState {
  using Failures = std::vector<FailureWindow::Moment>;

  struct Client {
    ClientNetwork network;
    Failures failures;
  };
  struct Wide {
    ClientNetwork network;
    Failures failures;
    std::vector<std::pair<ClientNetwork, core::TimePoint>> parts; // which /64s, and when last
  };
  struct Room {
    std::string room;
    Failures failures;
    core::TimePoint paced{};
    bool slow = false;
  };
  struct Pair {
    ClientNetwork network;
    std::string room;
    Failures failures;
  };
  struct Entrant {
    ClientNetwork network;
    std::string door;
    core::TimePoint when{};
  };

  std::vector<Client> clients;
  std::vector<Wide> wide;
  std::vector<Room> rooms;
  std::vector<Pair> pairs;
  std::vector<Entrant> entrants; // the most recent first
  std::vector<Ban> bans;         // those remembered included
};

} // namespace rproxyd
