// What a TCP allocation keeps (RFC 6062): its connections with peers, from the Connect or the peer's
// SYN on.
#pragma once

#include <memory>
#include <vector>

#include "libcore/base/deadline_wheel.h"
#include "libcore/stun/message.h"
#include "turnd/relay/peer_connections.h"
#include "turnd/relay/types.h"

namespace turnd {

struct Allocation;

struct PeerConnection {
  enum class State : std::uint8_t {
    connecting,  // the Connect waits for its answer
    established, // with PeerConnections: waiting for a ConnectionBind, bound, or gone already
  };

  Allocation* allocation = nullptr;
  ConnectionId id;
  RelayId relay;
  core::SocketAddress peer; // as the client names it
  State state = State::connecting;
  stun::TransactionId transaction{}; // of the Connect
  bool fingerprint = false;
  stun::Integrity integrity{};
  stun::Key key; // that signed it
  core::Deadline deadline;

  PeerConnection(Allocation& owner, int deadline_kind)
      : allocation(&owner), deadline(this, deadline_kind) {}
};

struct TcpRelay {
  std::vector<std::unique_ptr<PeerConnection>> connections;
  std::shared_ptr<StreamBandwidth> bandwidth;
};

} // namespace turnd
