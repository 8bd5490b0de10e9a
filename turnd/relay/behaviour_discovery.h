// NAT behaviour discovery (RFC 5780): where UDP listeners form two addresses times two ports, a client
// may ask that a Binding's answer leaves from another of them, or goes to another port of its own,
// and learns by what arrives how the NAT before it maps and filters.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/stun/message.h"

namespace turnd {

struct UdpListenerAddress {
  core::SocketAddress own;
  core::SocketAddress advertised; // the outside of a static NAT, or `own`
};

class BehaviourDiscovery {
 public:
  explicit BehaviourDiscovery(const std::vector<UdpListenerAddress>& listeners);

  // The four of one set, as one of them sees it.
  struct Quartet {
    UdpListenerAddress same;
    UdpListenerAddress other_ip;
    UdpListenerAddress other_port;
    UdpListenerAddress other; // in both

    const UdpListenerAddress& changed(bool ip, bool port) const {
      return ip ? (port ? other : other_ip) : (port ? other_port : same);
    }
  };
  // nullptr: this listener belongs to no set. Borrowed from this.
  const Quartet* find(const core::SocketAddress& listener) const;

 private:
  std::vector<Quartet> quartets_; // a listener's each
};

// What a Binding request asks for beyond its answer (RFC 5780 section 7).
struct DiscoveryWishes {
  bool change_ip = false;
  bool change_port = false;
  std::uint16_t response_port = 0; // 0: that of the client
  std::size_t padding = 0;         // bytes of PADDING that the request has
};

// The error: 400 is the answer.
std::expected<DiscoveryWishes, stun::ErrorCode> read_discovery_wishes(const stun::Message& message);

// How much PADDING an answer gets that has `size` bytes without it: never so much that it becomes
// longer than the request, whatever the interface's MTU, which RFC 5780 section 7.6 would have.
std::size_t padding_for(const DiscoveryWishes& wishes, std::size_t request_size, std::size_t size);
inline constexpr std::size_t kMaxPadding = 1500;

} // namespace turnd
