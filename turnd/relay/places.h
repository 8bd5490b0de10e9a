// The server's relay addresses: those that new allocations get, in turn, and former ones, which a
// reload has taken out of service and which allocations still have sockets on. An address that is
// advertised as another one than before is another place: who was told the earlier one keeps it.
//
// Seen from outside, the two clients of a server that relay to each other know each other by the
// advertised addresses; what they send need not go there and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "libcore/base/address.h"
#include "turnd/relay/ports.h"
#include "turnd/relay/ports_in_use.h"
#include "turnd/relay/types.h"

namespace turnd {

struct RelayAddress {
  core::IpAddress ip;
  core::IpAddress advertised; // what clients are told: the outside of a static NAT, or `ip`
  std::shared_ptr<PortsInUse> in_use{}; // the same for all workers; nullptr: there is one alone
};

struct Place {
  enum class State : std::uint8_t {
    free,    // nobody's: the next one that comes gets its number
    former,  // for what is there
    serving, // for new allocations too
  };
  RelayAddress address;
  std::shared_ptr<PortPool> ports; // of the IP address, however it is advertised
  State state = State::free;

  bool has_socket(std::uint16_t port) const { return address.in_use->contains(port); }
  bool serves(core::Family family) const {
    return state == State::serving && address.ip.family == family;
  }
};

class Places {
 public:
  // `worker` of `workers`, which share the ports out among them.
  Places(unsigned worker, unsigned workers) : worker_(worker), workers_(workers) {}

  // What serves from now on. Former places without sockets go with the next call.
  void set(const std::vector<RelayAddress>& addresses, PortRange ports);

  // By number, which a place keeps as long as it has sockets.
  Place& operator[](std::size_t number) { return places_[number]; }
  const Place& operator[](std::size_t number) const { return places_[number]; }
  std::size_t size() const { return places_.size(); }
  // The number whose turn it is; free and former ones have theirs, too.
  std::size_t next() { return next_++ % places_.size(); }
  bool serves(core::Family family) const;

  // The one that has this relay socket, whichever worker's.
  std::optional<std::size_t> with_socket(const core::SocketAddress& address) const;
  // For a socket that comes from elsewhere: with_socket(), or a former place made for it.
  std::size_t adopt(const core::SocketAddress& address, const core::IpAddress& advertised);
  // One of this IP address, if possible one that serves.
  std::optional<std::size_t> of(const core::IpAddress& ip) const;
  // See PortPool.
  void withdraw_taken();

  // Whether any of our relay sockets is told to clients by this address.
  bool advertises(const core::SocketAddress& peer) const;
  // Whether one of them is at this address, or told to clients by it.
  bool has_address(const core::IpAddress& ip) const;
  // Where to send what is for `peer`. Borrowed until the next call.
  const PeerAddress* inside_of(const PeerAddress* peer);
  // Who has sent what came from `peer`, as its clients know it.
  PeerAddress outside_of(const PeerAddress& peer) const;

 private:
  Place& place_for(const RelayAddress& address);

  unsigned worker_;
  unsigned workers_;
  std::vector<Place> places_;
  std::size_t next_ = 0;
  bool behind_nat_ = false; // one of them is advertised as another
  PeerAddress inside_peer_;
};

} // namespace turnd
