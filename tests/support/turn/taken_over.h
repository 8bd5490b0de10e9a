// One process of turnd taking over from another, with the sockets left to the test: the old one's
// workers are asked, all goes through bytes, and the new one's workers resume.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/turn/several_workers.h"
#include "turnd/relay/take_over_format.h"

namespace turn_test {

// A client's tag is the number of its link; those from kStays on stay.
inline constexpr std::uint64_t kStays = 100;

inline turnd::LinkOf links() {
  return [](turnd::ClientTag tag) -> std::optional<turnd::LinkNumber> {
    const auto number = static_cast<std::uint64_t>(tag);
    if (number >= kStays) return std::nullopt;
    return static_cast<turnd::LinkNumber>(number);
  };
}
inline turnd::TagOf tags() {
  return [](turnd::LinkNumber link) {
    return static_cast<turnd::ClientTag>(static_cast<std::uint64_t>(link));
  };
}

inline turnd::TakeOverState state_of(SeveralWorkers& workers) {
  turnd::TakeOverState state;
  state.links.resize(kStays);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    state.servers.push_back(workers[i].server.state(links(), workers[i].now));
  }
  return state;
}

// As bytes and back.
inline turnd::TakeOverState sent(const turnd::TakeOverState& state) {
  auto read = turnd::decode(turnd::encode(state).bytes());
  if (!read) std::abort();
  return *std::move(read);
}

// The old worker's share goes to the new one of the same number, if there are so many. Gives what was
// resumed, with the ids of its relay sockets.
inline turnd::TakeOverState take_over(SeveralWorkers& old, SeveralWorkers& fresh) {
  turnd::TakeOverState state = sent(state_of(old));
  std::vector<core::SocketAddress> ports;
  for (std::size_t i = 0; i < state.servers.size(); ++i) {
    Scene& taker = fresh[i % fresh.size()];
    turnd::ServerState& server = state.servers[i];
    taker.server.resume(server, tags(), taker.now);
    for (const auto& allocation : server.allocations) {
      for (const auto& relay : allocation.relays) {
        if (relay) ports.push_back(relay->address);
      }
    }
    for (const auto& reservation : server.reservations) ports.push_back(reservation.address);
    ports.insert(ports.end(), server.staying.begin(), server.staying.end());
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) fresh[i].server.keep_ports(ports);
  for (std::size_t i = 0; i < old.size(); ++i) {
    old[i].server.let_go(links());
    old[i].settle_commands();
  }
  return state;
}

} // namespace turn_test
