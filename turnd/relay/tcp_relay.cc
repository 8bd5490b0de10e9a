// TCP allocations (RFC 6062): Connect (section 5.2), connections from peers (5.3), ConnectionBind
// (5.4), and their ends.
#include "turnd/relay/tcp_relay.h"

#include <algorithm>
#include <utility>

#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

Decision Server::connect(Request& request) {
  Allocation& allocation = *request.allocation;
  if (allocation.tcp == nullptr) return refuse(request, ErrorCode::forbidden);

  // 1. A peer that may be spoken to. Connecting needs no permission: the Connect is one.
  const auto value = request.message.find(Attribute::xor_peer_address);
  const auto peer = value ? stun::decode_xor_address(*value, request.to.transaction) : std::nullopt;
  if (!peer || peer->port() == 0) return refuse(request, ErrorCode::bad_request);
  const auto relay = allocation.relay(peer->family());
  if (!relay) return refuse(request, ErrorCode::peer_address_family_mismatch);
  if (const auto refused = refused_peer(allocation, peer->ip())) return refuse(request, *refused);
  if (!may_speak_to(*peer)) return refuse(request, ErrorCode::forbidden);

  // 2. One connection with a peer: being made, waiting or in use. A copy of the Connect that is
  //    being worked on is none: clients of streams don't repeat themselves.
  forget_ended_connections(allocation);
  auto& connections = allocation.tcp->connections;
  const bool exists =
      std::ranges::any_of(connections, [&](const auto& c) { return c->peer == *peer; });
  if (exists) return refuse(request, ErrorCode::connection_already_exists);
  if (connections.size() >= config_.limits.connections_per_allocation ||
      !peer_connections_.has_room()) {
    limits_hit_.note(Limit::connections, allocation.username);
    return refuse(request, ErrorCode::insufficient_capacity);
  }

  // 3. From the relayed transport address; the answer comes when it is known how it went.
  PeerConnection& connection = add_connection(allocation, *relay, *peer);
  connection.transaction = request.to.transaction;
  connection.fingerprint = request.to.fingerprint;
  connection.integrity = request.to.integrity;
  connection.key = request.identity.key;
  connecting_.emplace(connection.id.number, &connection);
  deadlines_.set(connection.deadline, request.now.steady + kConnectLimit);
  const PeerAddress as_known{*peer};
  commands_.emplace_back(ConnectPeer{.number = connection.id.number,
                                     .from = relays_.find(*relay)->address,
                                     .to = places_.inside_of(&as_known)->address});
  return Drop{DropReason::answer_comes_later};
}

PeerConnection& Server::add_connection(Allocation& allocation, RelayId relay,
                                       const core::SocketAddress& peer) {
  auto connection = std::make_unique<PeerConnection>(allocation, kConnectionLimit);
  do {
    connection->id.number = static_cast<ConnectionNumber>(random_.u32());
  } while (connecting_.contains(connection->id.number));
  connection->id.serial = ++connection_serial_ * config_.workers + config_.worker;
  connection->relay = relay;
  connection->peer = peer;
  return *allocation.tcp->connections.emplace_back(std::move(connection));
}

// What the table of all workers says has ended meanwhile, at whichever of them.
void Server::forget_ended_connections(Allocation& allocation) {
  std::erase_if(allocation.tcp->connections, [&](const auto& connection) {
    return connection->state == PeerConnection::State::established &&
           !peer_connections_.exists(connection->id);
  });
}

void Server::remove_connection(PeerConnection& connection) {
  std::erase_if(connection.allocation->tcp->connections,
                [&](const auto& c) { return c.get() == &connection; });
}

// The connection waits for its ConnectionBind. False, and it should be closed, when there is no room.
bool Server::hold_connection(PeerConnection& connection, const core::Now& now) {
  const Allocation& allocation = *connection.allocation;
  const ConnectionOwner owner{.username = allocation.username,
                              .key = allocation.key,
                              .algorithm = allocation.algorithm,
                              .bandwidth = allocation.tcp->bandwidth};
  while (!peer_connections_.hold(connection.id, owner)) {
    if (!peer_connections_.has_room()) return false;
    connection.id.number = static_cast<ConnectionNumber>(random_.u32());
  }
  connection.state = PeerConnection::State::established;
  deadlines_.set(connection.deadline, now.steady + kConnectionBindLimit);
  return true;
}

Decision Server::answer_connect(PeerConnection& connection, ErrorCode* error) {
  const Allocation& allocation = *connection.allocation;
  const AnswerTo to{.five_tuple = &allocation.five_tuple,
                    .client = allocation.client,
                    .method = stun::Method::connect,
                    .transaction = connection.transaction,
                    .fingerprint = connection.fingerprint,
                    .key = connection.key.bytes(),
                    .integrity = connection.integrity};
  if (error != nullptr) return answers_.error(to, *error);
  return answers_.success(to, [&](stun::MessageBuilder& answer) {
    answer.add_u32(Attribute::connection_id, static_cast<std::uint32_t>(connection.id.number));
  });
}

Decision Server::peer_connected(ConnectionNumber number, const core::Now& now) {
  const auto found = connecting_.find(number);
  if (found == connecting_.end()) return drop(DropReason::unknown_relay);
  PeerConnection& connection = *found->second;
  connecting_.erase(found);
  if (hold_connection(connection, now)) return answer_connect(connection, nullptr);
  ErrorCode full = ErrorCode::insufficient_capacity;
  const Decision answer = answer_connect(connection, &full);
  remove_connection(connection);
  return answer;
}

Decision Server::peer_unreachable(ConnectionNumber number) {
  const auto found = connecting_.find(number);
  if (found == connecting_.end()) return drop(DropReason::unknown_relay);
  PeerConnection& connection = *found->second;
  connecting_.erase(found);
  ErrorCode failure = ErrorCode::connection_timeout_or_failure;
  const Decision answer = answer_connect(connection, &failure);
  remove_connection(connection);
  return answer;
}

// Section 5.3: with a permission, or closed at once.
Decision Server::peer_arrived(RelayId id, const PeerAddress& from, const core::Now& now) {
  const Relay* relay = relays_.find(id);
  if (relay == nullptr || relay->allocation == nullptr || relay->allocation->tcp == nullptr ||
      relay->waiting != nullptr) {
    return drop(DropReason::unknown_relay);
  }
  Allocation& allocation = *relay->allocation;
  const PeerAddress peer = places_.outside_of(from);
  if (!allocation.permissions.allows(peer.address.ip(), now.steady)) {
    return drop(DropReason::no_permission);
  }
  if (!config_.peers.allows(peer.address.ip())) return drop(DropReason::forbidden_peer);
  forget_ended_connections(allocation);
  if (allocation.tcp->connections.size() >= config_.limits.connections_per_allocation) {
    limits_hit_.note(Limit::connections, allocation.username);
    return drop(DropReason::limited);
  }
  PeerConnection& connection = add_connection(allocation, id, peer.address);
  if (!hold_connection(connection, now)) {
    remove_connection(connection);
    return drop(DropReason::limited);
  }
  stun::TransactionId transaction;
  random_.fill(transaction);
  return answers_.indication({.five_tuple = &allocation.five_tuple,
                              .client = allocation.client,
                              .method = stun::Method::connection_attempt,
                              .transaction = transaction,
                              .fingerprint = allocation.fingerprint},
                             [&](stun::MessageBuilder& attempt) {
                               attempt.add_xor_address(Attribute::xor_peer_address, peer.address);
                               attempt.add_u32(Attribute::connection_id,
                                               static_cast<std::uint32_t>(connection.id.number));
                             });
}

std::optional<ConnectionNumber> Server::connection_of(const stun::Message& message) {
  const auto value = message.find(Attribute::connection_id);
  if (!value || value->size() != 4) return std::nullopt;
  return static_cast<ConnectionNumber>(core::load32(value->data()));
}

// On a connection of its own, which has no allocation and will have none.
Decision Server::connection_bind(Request& request, const std::optional<ConnectionOwner>& owner) {
  const auto number = connection_of(request.message);
  if (!is_stream(request.to.five_tuple->transport) || request.allocation != nullptr || !number ||
      !owner) {
    return refuse(request, ErrorCode::bad_request);
  }
  if (owner->username != request.identity.username) {
    return refuse(request, ErrorCode::wrong_credentials);
  }
  const auto id = peer_connections_.bind(*number, config_.worker);
  if (!id) return refuse(request, ErrorCode::bad_request);
  commands_.emplace_back(StartTunnel{
      .connection = *id, .five_tuple = *request.to.five_tuple, .bandwidth = owner->bandwidth});
  return answers_.success(request.to, [](auto&) {});
}

void Server::connection_limit_reached(PeerConnection& connection) {
  if (connection.state == PeerConnection::State::connecting) {
    commands_.emplace_back(AbandonConnect{connection.id.number}); // peer_unreachable() answers
  } else if (peer_connections_.expire(connection.id)) {
    remove_connection(connection);
  }
}

// Section 5.5 and RFC 8656 section 8: with the allocation, or with the family that is given up.
void Server::end_connections(Allocation& allocation, RelayId relay) {
  end_connections_if(allocation, [&](const PeerConnection& each) { return each.relay == relay; });
}

// After a reload, which may have changed who may be a peer.
void Server::end_forbidden_connections(Allocation& allocation) {
  end_connections_if(allocation, [&](const PeerConnection& each) {
    return !config_.peers.allows(each.peer.ip()) || !may_speak_to(each.peer);
  });
}

template <typename Wanted>
void Server::end_connections_if(Allocation& allocation, Wanted wanted) {
  std::erase_if(allocation.tcp->connections, [&](const auto& connection) {
    if (!wanted(*connection)) return false;
    if (connection->state == PeerConnection::State::connecting) {
      connecting_.erase(connection->id.number);
      commands_.emplace_back(AbandonConnect{connection->id.number});
    } else if (const auto worker = peer_connections_.end(connection->id)) {
      commands_.emplace_back(EndTunnel{.connection = connection->id, .worker = *worker});
    }
    return true;
  });
}

} // namespace turnd
