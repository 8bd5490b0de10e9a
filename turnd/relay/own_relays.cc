// The server's own relay addresses as peers: two of its clients reach each other through it. Behind a
// static NAT each knows the other's outside address; what they send need not go there and back.
#include "turnd/relay/server.h"

namespace turnd {

// Nobody's client, whichever worker's it is: whoever comes from there is a loop in the making.
bool Server::is_own_relay_address(const core::SocketAddress& address) const {
  const auto place = place_of(address.ip());
  return place && ports_in_use_->contains(*place, address.port());
}

// Where to send what is for `peer`. Borrowed until the next call.
const PeerAddress* Server::inside_of(const PeerAddress* peer) {
  if (!behind_nat_) return peer;
  const core::IpAddress ip = peer->address.ip();
  const std::uint16_t port = peer->address.port();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const RelayAddress& own = places_[i].address;
    if (own.advertised != ip || own.ip == ip || !ports_in_use_->contains(i, port)) continue;
    inside_peer_ = {{own.ip, port}};
    return &inside_peer_;
  }
  return peer;
}

// Who has sent what came from `peer`, as its clients know it.
PeerAddress Server::outside_of(const PeerAddress& peer) const {
  if (!behind_nat_) return peer;
  const auto place = place_of(peer.address.ip());
  if (!place || !ports_in_use_->contains(*place, peer.address.port())) return peer;
  return {{places_[*place].address.advertised, peer.address.port()}};
}

} // namespace turnd
