// What the relay tells its shell to do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "turnd/relay/mobility.h"
#include "turnd/relay/offload.h"
#include "turnd/relay/peer_connections.h"
#include "turnd/relay/types.h"

namespace turnd {

enum class DropReason : std::uint8_t {
  not_turn,           // neither STUN nor ChannelData, or malformed
  not_for_servers,    // a response, or an indication that asks for nothing
  no_allocation,      // ChannelData or an indication on an unknown five-tuple (RFC 8656 5)
  no_channel,         // a channel that isn't bound, or no longer
  no_permission,      // from or to a peer without a permission
  forbidden_peer,     // a Send indication to a listener of ours
  icmp_not_relayed,   // of a type that concerns nobody (RFC 8656 11.5)
  icmp_limited,       // more of them than a client is told
  hop_limit,          // would leave with a hop limit (TTL) of 0
  bandwidth,          // above the limit of the allocation or of its user
  too_long,           // doesn't fit into the message for the client
  limited,            // an unauthenticated answer withheld from its source
  forbidden_client,   // not among those who may ask
  own_relay_address,  // a client that claims to be one of our relay addresses
  answer_comes_later, // an Allocate waits for its relay socket, or a copy of it came meanwhile
  unknown_relay,      // of an allocation that is gone
  wrong_transport,    // Send indications and ChannelData on a TCP allocation
  no_client,          // for a mobile client whose connection has ended
};
inline constexpr std::size_t kDropReasons = 18;

struct Drop {
  DropReason reason;
};

// Both borrow until the next call: the five-tuple from the allocation or the caller, the bytes from
// the server's answer buffer or from the packet that was passed in.
struct ToClient {
  enum class Kind : std::uint8_t { answer, data };
  Kind kind;
  const FiveTuple* five_tuple;
  ClientTag client;
  core::Bytes bytes;
  IpFields ip{};
  bool from_other_listener = false; // from the UDP listener at five_tuple->server (RFC 5780)
};

struct ToPeer {
  RelayId relay;
  const PeerAddress* peer;
  core::Bytes payload;
  IpFields ip{};
};

using Decision = std::variant<Drop, ToClient, ToPeer>;

// Bind a UDP socket to exactly this address, or find it among the reservations, or listen there with
// TCP; then call relay_opened() or relay_refused(). Call peer_arrived() for a connection that comes.
struct OpenRelay {
  RelayId relay;
  core::SocketAddress address;
  std::optional<ReservationToken> reservation{};
  bool tcp = false;
};

struct CloseRelay {
  RelayId relay;
};

// Connect from a relayed transport address, then call peer_connected() or peer_unreachable().
struct ConnectPeer {
  ConnectionNumber number{};
  core::SocketAddress from;
  core::SocketAddress to;
};

// It takes too long, or nobody waits for it any more: close it, and call peer_unreachable().
struct AbandonConnect {
  ConnectionNumber number{};
};

// From now on the client's connection carries the bytes of this peer's, both ways.
struct StartTunnel {
  ConnectionId connection;
  FiveTuple five_tuple;
  std::shared_ptr<StreamBandwidth> bandwidth;
};

// For another worker, or for this one.
struct EndTunnel {
  ConnectionId connection;
  unsigned worker = 0;
};

// A client's packet that had to wait: give it to from_client() again.
struct HandleAgain {
  FiveTuple five_tuple;
  ClientTag client;
  std::vector<std::uint8_t> bytes;
  IpFields ip{};
};

// Mobility between workers (turnd/relay/mobility.h). Call, on the thread of worker `owner`:
//   MobilityQuestion   mobility_asked(), and mobility_answered() with its reply at the asker
//   AllocationWanted   hand_over(), and adopt() at the asker
using Command = std::variant<OpenRelay, CloseRelay, ConnectPeer, AbandonConnect, StartTunnel,
                             EndTunnel, HandleAgain, MobilityQuestion, AllocationWanted,
                             BeginOffload, MoveOffload, EndOffload>;

} // namespace turnd
