// What must not be mixed up in a relay: who speaks over which five-tuple, which peer, which relay
// socket; and the packet that is on its way.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"

namespace turnd {

enum class Transport : std::uint8_t { udp, tcp, tls, dtls };
inline constexpr std::size_t kTransports = 4;

constexpr bool is_stream(Transport t) { return t == Transport::tcp || t == Transport::tls; }

// Whether whoever gets through to the relay is known to be at its address: DTLS has its cookies.
constexpr bool proves_address(Transport t) { return t != Transport::udp; }

// Identifies an allocation (RFC 8656 section 3.2): the transport and the server's address count as
// much as the client's.
struct FiveTuple {
  Transport transport = Transport::udp;
  core::SocketAddress client;
  core::SocketAddress server;

  friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
};

struct FiveTupleHash {
  std::size_t operator()(const FiveTuple& five_tuple) const {
    const std::size_t client = five_tuple.client.hash();
    const std::size_t server =
        five_tuple.server.hash() + static_cast<std::size_t>(five_tuple.transport);
    return client ^ (server + 0x9e3779b97f4a7c15U + (client << 6U) + (client >> 2U));
  }
};

// Where the shell reaches a client: a listener's socket or a connection. Opaque to the relay, which
// gives it back with everything that goes to that client.
enum class ClientTag : std::uint64_t {};
inline constexpr ClientTag kNoClient{}; // its connection has ended, and it may come back (RFC 8016)

using ReservationToken = std::array<std::uint8_t, 8>; // RFC 8656 section 18.10

struct PeerAddress {
  core::SocketAddress address;

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

// A relay socket, past ones never taken for present ones.
struct RelayId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  friend bool operator==(const RelayId&, const RelayId&) = default;
};

// What a datagram's IP header says beside the addresses, as received or as to be sent (RFC 8656
// section 15). What isn't known, as of a client on TCP, is left to the kernel's defaults (section 16).
struct IpFields {
  std::uint8_t traffic_class = 0; // DSCP and ECN: IPv4's type of service, IPv6's traffic class
  std::optional<std::uint8_t> hop_limit{}; // or TTL
  bool dont_fragment = false;              // only to be sent: no socket tells of a received one

  friend bool operator==(const IpFields&, const IpFields&) = default;
};

// Section 15: DSCP and ECN as they came, one hop less. nullopt: it has come far enough.
inline std::optional<IpFields> one_hop_further(IpFields ip) {
  if (!ip.hop_limit) return ip;
  if (*ip.hop_limit <= 1) return std::nullopt;
  --*ip.hop_limit;
  return ip;
}

// A peer's datagram in the shell's buffer. The relay writes what a client needs around it in place:
// kHeadroom bytes before the payload and kTailroom behind it belong to the packet.
class Packet {
 public:
  // A Data indication's header and attributes before the payload: 20 + 24 (IPv6 peer) + 4 bytes.
  static constexpr std::size_t kHeadroom = 48;
  static constexpr std::size_t kTailroom = 3; // padding to a multiple of four

  explicit Packet(core::MutableBytes payload, IpFields ip = {}) : payload_(payload), ip_(ip) {}

  core::MutableBytes payload() const { return payload_; }
  const IpFields& ip() const { return ip_; }
  core::MutableBytes with_room(std::size_t before, std::size_t behind) const {
    return {payload_.data() - before, before + payload_.size() + behind};
  }

 private:
  core::MutableBytes payload_;
  IpFields ip_;
};

} // namespace turnd
