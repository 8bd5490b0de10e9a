#include "turnd/relay/server.h"

#include <algorithm>
#include <utility>

#include "libcore/stun/channel_data.h"

namespace turnd {
namespace {

using stun::Attribute;
using stun::ErrorCode;

// What this server understands among the comprehension-required attributes.
constexpr std::array kKnownInTurn{
    Attribute::username,
    Attribute::message_integrity,
    Attribute::realm,
    Attribute::nonce,
    Attribute::userhash,
    Attribute::password_algorithm,
    Attribute::access_token,
    Attribute::channel_number,
    Attribute::lifetime,
    Attribute::xor_peer_address,
    Attribute::data,
    Attribute::even_port,
    Attribute::requested_transport,
    Attribute::reservation_token,
    Attribute::requested_address_family,
    Attribute::connection_id,
    Attribute::dont_fragment,
};
// Of somebody who then proves who is asking: a 401 and the answer to that request. On a connection it is
// the latter alone.
constexpr std::uint32_t answers_of_an_introduction(Transport transport) {
  return proves_address(transport) ? 1 : 2;
}

bool is_signed(const stun::Message& message) {
  return message.integrity_offset() || message.integrity_sha256_offset();
}

std::uint64_t random_u64(Random& random) {
  const std::uint64_t high = random.u32();
  return high << 32 | random.u32();
}

} // namespace

Server::Server(ServerConfig config, Authenticator authenticator, Shared shared, Random& random,
               core::TimePoint start)
    : config_(std::move(config)),
      authenticator_(std::move(authenticator)),
      quota_(shared.quota),
      held_(shared.reservations),
      mobile_allocations_(shared.mobile_allocations),
      peer_connections_(shared.peer_connections),
      sibling_loads_(shared.sibling_loads),
      random_(random),
      deadlines_(start),
      discovery_(config_.udp_listeners),
      limiter_(config_.limits.unauthenticated_answers, random_u64(random)),
      places_(config_.worker, config_.workers),
      allocations_(random_u64(random)),
      tickets_(config_.ticket_key),
      indication_id_(random_u64(random)) {
  places_.set(config_.relay_addresses, config_.ports);
}

Server::~Server() = default;

std::span<const Attribute> Server::known_in_turn() { return kKnownInTurn; }

bool Server::is_expected(const FiveTuple& five_tuple) const {
  const auto found = arrivals_.find(five_tuple);
  return found != arrivals_.end() && found->second->state != Arrival::State::asking;
}

// RFC 7983: the first byte tells ChannelData from STUN.
Decision Server::from_client(const FiveTuple& five_tuple, ClientTag client, core::Bytes bytes,
                             const core::Now& now, const IpFields& ip) {
  if (!arrivals_.empty()) {
    const auto arrival = arrivals_.find(five_tuple);
    if (arrival != arrivals_.end()) {
      if (auto decision = from_arrival(*arrival->second, client, bytes, now, ip)) return *decision;
    }
  }
  if (stun::looks_like_channel_data(bytes)) {
    return channel_data_from_client(five_tuple, bytes, now, ip);
  }
  return message_from_client(five_tuple, client, bytes, now, ip);
}

// RFC 8489 section 6.3.
Decision Server::message_from_client(const FiveTuple& five_tuple, ClientTag client,
                                     core::Bytes bytes, const core::Now& now, const IpFields& ip) {
  const auto message = stun::Message::parse(bytes);
  if (!message || !stun::fingerprint_is_right_or_absent(*message)) {
    return drop(DropReason::not_turn);
  }

  if (!is_stream(five_tuple.transport) && places_.with_socket(five_tuple.client)) {
    return drop(DropReason::own_relay_address);
  }

  // Responses and indications are never answered, whatever is wrong with them.
  switch (message->message_class()) {
    case stun::Class::success:
    case stun::Class::error:
      return drop(DropReason::not_for_servers);
    case stun::Class::indication:
      if (message->method() == stun::Method::send) {
        return send_indication(five_tuple, *message, now, ip);
      }
      return drop(DropReason::not_for_servers);
    case stun::Class::request:
      break;
  }
  const std::size_t method = index_of(message->method());
  if (method == kMethods) return drop(DropReason::not_for_servers);
  ++counters_.requests[method];

  Request request{.message = *message,
                  .now = now,
                  .to = {.five_tuple = &five_tuple,
                         .client = client,
                         .method = message->method(),
                         .transaction = message->transaction_id(),
                         .fingerprint = message->fingerprint_offset().has_value()},
                  .allocation = nullptr,
                  .identity = {}};
  return request.to.method == stun::Method::binding ? binding(request) : turn_request(request);
}

// The steps that all TURN requests have in common (RFC 8656 section 5).
Decision Server::turn_request(Request& request) {
  const FiveTuple& five_tuple = *request.to.five_tuple;
  const core::IpAddress client = five_tuple.client.ip();

  // 1. Authentication (RFC 8489 section 9.2.4).
  //    A stranger pays with its source's answers before anything is computed for it; who has an
  //    allocation is not held up by others who claim to be at the same address.
  request.allocation = allocations_.find(five_tuple);
  const bool stranger = request.allocation == nullptr;
  std::optional<ConnectionOwner> bound_to; // of the peer's connection that a ConnectionBind is for
  if (request.to.method == stun::Method::connection_bind) {
    const auto number = connection_of(request.message);
    if (number) bound_to = peer_connections_.owner(*number);
  }
  if (stranger && !bound_to && !config_.turn_clients.contains(client)) {
    if (!may_answer_unauthenticated(request)) return drop(DropReason::limited);
    return refuse(request, ErrorCode::forbidden);
  }
  if (stranger && !may_answer_unauthenticated(request)) return drop(DropReason::limited);
  if (stranger && request.to.method == stun::Method::refresh) {
    // A ticket of ours: its allocation's owner checks who this is.
    const auto value = request.message.find(Attribute::mobility_ticket);
    const auto ticket = value ? tickets_.open(*value) : std::nullopt;
    const bool moves =
        ticket && (config_.mobility || mobile_allocations_.owner(ticket->allocation).has_value());
    if (moves) return refresh_from_elsewhere(request, *ticket);
  }
  std::optional<Authenticator::Known> owner;
  if (bound_to) {
    owner = {
        .username = bound_to->username, .key = &bound_to->key, .algorithm = bound_to->algorithm};
  }
  if (request.allocation != nullptr) {
    owner = {.username = request.allocation->username,
             .key = &request.allocation->key,
             .algorithm = request.allocation->algorithm,
             .until = request.allocation->until};
  }
  auto identity =
      identify(request.message, five_tuple.client, owner ? &*owner : nullptr, request.now);
  if (!identity) {
    if (!stranger && !may_answer_unauthenticated(request)) return drop(DropReason::limited);
    return challenge(request, code_of(identity.error()));
  }
  if (stranger) {
    limiter_.give_back(client, answers_of_an_introduction(five_tuple.transport),
                       request.now.steady);
  }
  request.identity = *std::move(identity);
  request.to.key = request.identity.key.bytes();
  request.to.integrity = request.identity.integrity;

  // 2. What must be understood and isn't (RFC 8489 section 6.3.1).
  const stun::UnknownAttributes unknown(request.message, known_in_turn());
  if (!unknown.empty()) {
    return answers_.error(request.to, ErrorCode::unknown_attribute,
                          [&](auto& answer) { answer.add_unknown_attributes(unknown.types()); });
  }

  if (request.to.method == stun::Method::connection_bind) return connection_bind(request, bound_to);

  // 3. Allocate makes an allocation, everything else needs one, and its owner (section 5).
  if (request.to.method == stun::Method::allocate) return allocate(request);
  if (stranger && request.to.method == stun::Method::refresh &&
      request.message.has(Attribute::mobility_ticket)) {
    return refuse(request,
                  config_.mobility ? ErrorCode::bad_request : ErrorCode::mobility_forbidden);
  }
  if (request.allocation == nullptr || request.allocation->opening != nullptr) {
    return refuse(request, ErrorCode::allocation_mismatch);
  }
  take_newer_token(*request.allocation, request.identity);
  if (request.allocation->username != request.identity.username) {
    // A right guess is answered no more often than wrong ones.
    if (!may_answer_unauthenticated(request)) return drop(DropReason::limited);
    return refuse(request, ErrorCode::wrong_credentials);
  }
  if (request.allocation->client == kNoClient) request.allocation->client = request.to.client;
  switch (request.to.method) {
    case stun::Method::refresh:
      return refresh(request);
    case stun::Method::create_permission:
      return create_permission(request);
    case stun::Method::connect:
      return connect(request);
    default:
      return channel_bind(request);
  }
}

std::expected<Identity, Proof> Server::identify(const stun::Message& message,
                                                const core::SocketAddress& client,
                                                const Authenticator::Known* known,
                                                const core::Now& now) {
  auto identity = authenticator_.identify(message, client, known, now.wall);
  ++counters_.proofs[static_cast<std::size_t>(identity ? Proof::right : identity.error())];
  return identity;
}

// RFC 7635 section 9: before its token ends, a client comes with another one, of any key that is
// shared with the authorization server. Tokens tell nobody's name: who has one for this server and the
// allocation's five-tuple is its owner.
void Server::take_newer_token(Allocation& allocation, const Identity& identity) {
  if (!allocation.until || !identity.until) return;
  allocation.username = identity.username;
  allocation.key = identity.key;
  allocation.algorithm = identity.algorithm;
  allocation.until = identity.until;
}

// Answers that nobody has paid for with a proof are small and unsigned.
Decision Server::challenge(const Request& request, ErrorCode code) {
  if (code == ErrorCode::bad_request) return refuse(request, code);
  return answers_.error(request.to, code, [&](auto& answer) {
    const auto nonce = authenticator_.new_nonce(request.to.five_tuple->client, request.now.wall);
    answer.add_text(Attribute::realm, authenticator_.realm());
    answer.add_text(Attribute::nonce, stun::text_of(nonce));
    if (authenticator_.offers_password_algorithms()) {
      answer.add(Attribute::password_algorithms, stun::kOfferedPasswordAlgorithms);
    }
    if (const auto name = authenticator_.third_party()) {
      answer.add_text(Attribute::third_party_authorization, *name);
    }
  });
}

// A connection's other end is where it says; only bare datagrams can lie. But what is signed may be a
// guess at somebody's password, wherever it comes from.
bool Server::may_answer_unauthenticated(const Request& request) {
  const FiveTuple& five_tuple = *request.to.five_tuple;
  if (proves_address(five_tuple.transport) && !is_signed(request.message)) return true;
  if (limiter_.admit(five_tuple.client.ip(), request.now.steady)) return true;
  limits_hit_.note_source(Limit::unauthenticated_answers, five_tuple.client.ip());
  return false;
}

Counters Server::counters() const {
  Counters counters = counters_;
  counters.limits = limits_hit_.totals();
  counters.refusals = answers_.refusals();
  return counters;
}

Decision Server::drop(DropReason reason) {
  ++counters_.drops[static_cast<std::size_t>(reason)];
  return Drop{reason};
}

std::optional<Command> Server::poll_command() {
  if (commands_.empty()) return std::nullopt;
  Command command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

void Server::advance(const core::Now& now) {
  deadlines_.advance(now.steady, [&](core::Deadline& deadline) {
    if (deadline.kind() == kConnectionLimit) {
      connection_limit_reached(*deadline.owner<PeerConnection>());
    } else if (deadline.kind() == kArrivalExpiry) {
      end_arrival(*deadline.owner<Arrival>(), Held::dropped);
    } else if (deadline.kind() == kReservationExpiry) {
      auto* reservation = deadline.owner<Reservation>();
      // Nobody came for it: its socket is closed, and its port is free.
      if (held_.expire(reservation->token)) {
        release_port(reservation->place, reservation->port, now);
      }
      reservations_.erase(key_of(reservation->token));
    } else if (deadline.kind() == kOffloadPaused) {
      offload_pause_over(*deadline.owner<Allocation>(), now);
    } else {
      remove(*deadline.owner<Allocation>(), AllocationEnd::expired, now);
    }
  });
}

// RFC 8656 section 3.1: an allocation lives no longer than the connection it was made on. A mobile
// one is there for the client to come back to (RFC 8016).
void Server::client_gone(const FiveTuple& five_tuple, const core::Now& now) {
  const auto arrival = arrivals_.find(five_tuple);
  if (arrival != arrivals_.end()) end_arrival(*arrival->second, Held::dropped);
  Allocation* allocation = allocations_.find(five_tuple);
  if (allocation == nullptr) return;
  if (allocation->mobility != nullptr) {
    client_of_mobile_gone(*allocation, now);
  } else {
    remove(*allocation, AllocationEnd::client_gone, now);
  }
}

// The one place where allocations end.
void Server::remove(Allocation& allocation, AllocationEnd end, const core::Now& now) {
  end_offload(allocation);
  if (sessions_.erase(allocation.session.id) != 0) {
    ++counters_.ends[static_cast<std::size_t>(end)];
    counters_.lifetimes.add(core::seconds_of(now.steady - allocation.session.since));
  }
  if (allocation.opening != nullptr) {
    for (const Opening::Socket& socket : allocation.opening->sockets) {
      close_relay(socket.relay, now);
    }
  }
  for (const auto& relay : allocation.relays) {
    if (relay) close_relay(*relay, now);
  }
  if (allocation.mobility != nullptr) {
    mobile_.erase(allocation.mobility->number);
    mobile_allocations_.remove(allocation.mobility->number);
  }
  allocations_.remove(allocation);
}

void Server::close_relay(RelayId id, const core::Now& now) {
  const Relay* relay = relays_.find(id);
  if (relay == nullptr) return;
  if (relay->allocation != nullptr && relay->allocation->tcp != nullptr) {
    end_connections(*relay->allocation, id);
  }
  release_port(relay->place, relay->address.port(), now);
  relays_.remove(id);
  commands_.emplace_back(CloseRelay{id});
}

void Server::release_port(std::size_t place, std::uint16_t port, const core::Now& now) {
  places_[place].address.in_use->clear(port);
  const unsigned home = PortPool::home_of(port, config_.workers);
  if (home == config_.worker) {
    places_[place].ports->give_back(port, now.steady);
  } else {
    places_[place].ports->forget(port);
    held_.return_port(home, {places_[place].address.ip, port});
  }
}

// Ports whose sockets had moved to other workers.
void Server::take_ports_home(const core::Now& now) {
  while (const auto address = held_.returned_port(config_.worker)) {
    const auto place = places_.of(address->ip());
    if (place) places_[*place].ports->give_back(address->port(), now.steady);
  }
}

core::SocketAddress Server::advertised(RelayId id) const {
  const Relay* relay = relays_.find(id);
  return {places_[relay->place].address.advertised, relay->address.port()};
}

// The range of relay ports may have been another one when a relay socket of ours was opened.
bool Server::may_speak_to(const core::SocketAddress& peer) const {
  return config_.peers.allows_port(peer) ||
         (places_.advertises(peer) && !config_.peers.is_own_listener(peer));
}

} // namespace turnd
