// Which peers may be relayed to. The most specific network that an address lies in decides, among
// the configured ones and those that are denied from the start; at equal length a configured deny
// wins over a configured allow, and that over the built-in list. So "allow 10.40.0.0/24" opens just
// that of the private networks, "allow any" opens no private network at all, and "deny any, allow
// 10.40.0.0/24" leaves those nodes alone.
//
// An address that carries an IPv4 address inside (mapped, compatible, 6to4, NAT64) must pass in both
// forms: otherwise ::ffff:127.0.0.1 would be a way around the list.
#pragma once

#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/network.h"

namespace turnd {

class PeerPolicy {
 public:
  // `own_listeners`: every address that this server listens on, as a peer would write it (no
  // wildcards). Relaying to them would let a client speak to the server from the server's own
  // address. Other ports of those addresses stay open: two of our clients may relay to each other.
  PeerPolicy(core::NetworkList allow, core::NetworkList deny,
             std::vector<core::SocketAddress> own_listeners);

  bool allows(const core::IpAddress& peer) const;
  bool is_own_listener(const core::SocketAddress& peer) const;

 private:
  bool allows_form(const core::IpAddress& ip) const;

  core::NetworkList allow_;
  core::NetworkList deny_;
  core::NetworkList built_in_;
  std::vector<core::SocketAddress> own_listeners_;
};

} // namespace turnd
