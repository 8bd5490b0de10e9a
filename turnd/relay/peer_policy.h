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
#include "turnd/relay/ports.h"

namespace turnd {

// The server's own relay addresses are peers too, private or not: two of its clients may relay to
// each other. The built-in list doesn't hold for them (a configured one does), but only on relay
// ports: whatever else listens on this machine must be allowed by name.
struct OwnAddresses {
  // As a peer would write them: no wildcards. Never peers: a client could speak to the server from
  // the server's own address.
  std::vector<core::SocketAddress> listeners;
  std::vector<core::IpAddress> relays; // as clients are told of them
  PortRange relay_ports;
};

class PeerPolicy {
 public:
  PeerPolicy(core::NetworkList allow, core::NetworkList deny, OwnAddresses own);

  // Whether there may be a permission.
  bool allows(const core::IpAddress& peer) const;
  // Whether a peer whose address allows() may be spoken to on this port.
  bool allows_port(const core::SocketAddress& peer) const;
  bool is_own_listener(const core::SocketAddress& peer) const;
  // Of a listener or a relay socket, on whatever port.
  bool is_own_address(const core::IpAddress& ip) const;

 private:
  bool allows_form(const core::IpAddress& ip, bool own_relay) const;
  bool is_own_relay(const core::IpAddress& ip) const;

  core::NetworkList allow_;
  core::NetworkList deny_;
  core::NetworkList built_in_;
  OwnAddresses own_;
};

} // namespace turnd
