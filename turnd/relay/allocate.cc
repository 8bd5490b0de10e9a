// Allocate (RFC 8656 section 7.2): the checks in the order of the text, then the relay sockets,
// which the shell binds, then the answer.
#include <algorithm>
#include <utility>

#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

namespace {

// RFC 6062 section 5.1: what a TCP allocation can't have.
bool asks_for_datagrams(const stun::Message& message) {
  return message.has(Attribute::even_port) || message.has(Attribute::reservation_token) ||
         message.has(Attribute::dont_fragment);
}

} // namespace

Decision Server::allocate(Request& request) {
  const stun::Message& message = request.message;

  // 2. An allocation that is there already: the same request again gets the same answer, as of now;
  //    another is a mistake. While the sockets are being bound, the answer is on its way.
  if (const Allocation* existing = request.allocation) {
    if (existing->username != request.identity.username) {
      return refuse(request, ErrorCode::wrong_credentials);
    }
    if (existing->transaction != request.to.transaction) {
      return refuse(request, ErrorCode::allocation_mismatch);
    }
    if (existing->opening != nullptr) return Drop{DropReason::answer_comes_later};
    return answer_allocate(*existing, request.now);
  }

  // 3. REQUESTED-TRANSPORT.
  const auto transport = message.find(Attribute::requested_transport);
  if (!transport || transport->size() != 4) return refuse(request, ErrorCode::bad_request);
  const bool tcp = (*transport)[0] == stun::kTransportTcp && config_.tcp_relay;
  if (!tcp && (*transport)[0] != stun::kTransportUdp) {
    return refuse(request, ErrorCode::unsupported_transport);
  }
  if (tcp && (!is_stream(request.to.five_tuple->transport) || asks_for_datagrams(message))) {
    return refuse(request, ErrorCode::bad_request);
  }

  // 4. DONT-FRAGMENT only asks whether Send indications may carry it: they may.

  // MOBILITY-TICKET (RFC 8016 section 3.1.2): empty, a wish for one.
  const auto ticket = message.find(Attribute::mobility_ticket);
  if (ticket && !ticket->empty()) return refuse(request, ErrorCode::bad_request);
  if (ticket && (!config_.mobility || tcp)) return refuse(request, ErrorCode::mobility_forbidden);

  // LIFETIME, which step 10 will need.
  std::optional<std::uint32_t> requested_lifetime;
  if (const auto value = message.find(Attribute::lifetime)) {
    if (value->size() != 4) return refuse(request, ErrorCode::bad_request);
    requested_lifetime = core::load32(value->data());
  }
  const core::Duration lifetime =
      granted_lifetime(requested_lifetime, request.identity.until, request.now.wall);
  Opening opening;
  opening.lifetime = lifetime;
  opening.attempts_left = kMaxOpenAttempts;
  opening.tcp = tcp;
  opening.mobile = ticket.has_value();

  // 5. RESERVATION-TOKEN stands alone.
  const auto family = message.find(Attribute::requested_address_family);
  auto additional = message.find(Attribute::additional_address_family);
  if (!additional && config_.draft_dual_allocation) {
    additional = message.find(Attribute::draft_additional_address_family);
  }
  const auto even_port = message.find(Attribute::even_port);
  const auto token = message.find(Attribute::reservation_token);
  if (token && (even_port || family || additional || token->size() != 8)) {
    return refuse(request, ErrorCode::bad_request);
  }

  // 6. REQUESTED-ADDRESS-FAMILY; without it IPv4, over whatever the client itself came.
  if (family) {
    if (additional || family->size() != 4) return refuse(request, ErrorCode::bad_request);
    switch ((*family)[0]) {
      case stun::kFamilyIpv4:
        opening.family = core::Family::ipv4;
        break;
      case stun::kFamilyIpv6:
        opening.family = core::Family::ipv6;
        break;
      default:
        return refuse(request, ErrorCode::address_family_not_supported);
    }
  }

  // 7. EVEN-PORT, and with its R bit the port after it.
  if (even_port) {
    if (even_port->size() != 1) return refuse(request, ErrorCode::bad_request);
    opening.even_port = true;
    opening.reserve_next = ((*even_port)[0] & 0x80) != 0;
  }

  // 8. ADDITIONAL-ADDRESS-FAMILY: IPv6 beside IPv4, never a reservation.
  if (additional) {
    if (additional->size() != 4 || (*additional)[0] != stun::kFamilyIpv6 || opening.reserve_next) {
      return refuse(request, ErrorCode::bad_request);
    }
    opening.dual = true;
  }

  if (draining_ || config_.alternate.when == AlternateServers::When::always) {
    return send_elsewhere(request.to);
  }
  if (token) return take_reservation(request, *token, std::move(opening));
  if (!opening.dual && !places_.serves(opening.family)) {
    return refuse(request, ErrorCode::address_family_not_supported);
  }
  if (opening.reserve_next && !held_.has_room()) {
    limits_hit_.note(Limit::reservations, {});
    return refuse(request, ErrorCode::insufficient_capacity);
  }
  if (config_.alternate.when == AlternateServers::When::busier) {
    if (auto decision = send_to_less_busy(request)) return *decision;
  }
  return start_opening(request, std::move(opening));
}

// 9. The user's quota and the server's; the ticket goes back whichever way this ends.
std::expected<Quota::Ticket, QuotaRefusal> Server::ticket_for(const Request& request) {
  const std::string_view user = quota_user(request.identity.username);
  auto ticket = quota_.ticket(user);
  if (ticket) return ticket;
  if (ticket.error() == QuotaRefusal::user_full) {
    limits_hit_.note(Limit::allocations_per_user, user);
  } else {
    limits_hit_.note(Limit::allocations, {});
  }
  return ticket;
}

Decision Server::start_opening(Request& request, Opening opening) {
  auto ticket = ticket_for(request);
  if (!ticket) {
    return ticket.error() == QuotaRefusal::user_full
               ? refuse(request, ErrorCode::allocation_quota_reached)
               : refuse_for_lack_of_room(request.to);
  }
  Allocation& allocation = allocations_.add(new_allocation(request, *std::move(ticket)));
  allocation.opening = std::make_unique<Opening>(std::move(opening));
  if (allocation.opening->tcp) {
    allocation.tcp = std::make_unique<TcpRelay>();
    allocation.tcp->bandwidth = std::make_shared<StreamBandwidth>(
        config_.limits.bandwidth_per_allocation, allocation.ticket.bandwidth());
  }
  if (!open_sockets(allocation, request.now)) return allocate_failed(allocation, request.now);
  return Drop{DropReason::answer_comes_later};
}

// The port that an earlier EVEN-PORT put aside for this user, once. Its socket is bound already,
// perhaps at another worker, and comes here.
Decision Server::take_reservation(Request& request, core::Bytes value, Opening opening) {
  auto ticket = ticket_for(request);
  if (!ticket) {
    return ticket.error() == QuotaRefusal::user_full
               ? refuse(request, ErrorCode::allocation_quota_reached)
               : refuse_for_lack_of_room(request.to);
  }
  ReservationToken token;
  std::ranges::copy(value, token.begin());
  const auto address = held_.take(token, request.identity.username);
  if (!address) return refuse(request, ErrorCode::insufficient_capacity);
  const std::size_t place = places_.adopt(*address, address->ip());
  places_[place].ports->adopt(address->port());

  Allocation& allocation = allocations_.add(new_allocation(request, *std::move(ticket)));
  allocation.opening = std::make_unique<Opening>(std::move(opening));
  allocation.opening->family = address->family();
  start_socket(allocation, place, address->port(), false, token);
  return Drop{DropReason::answer_comes_later};
}

std::unique_ptr<Allocation> Server::new_allocation(const Request& request,
                                                   Quota::Ticket ticket) const {
  auto allocation = std::make_unique<Allocation>();
  allocation->five_tuple = *request.to.five_tuple;
  allocation->client = request.to.client;
  allocation->transaction = request.to.transaction;
  allocation->fingerprint = request.to.fingerprint;
  allocation->username = request.identity.username;
  allocation->key = request.identity.key;
  allocation->algorithm = request.identity.algorithm;
  allocation->integrity = request.identity.integrity;
  allocation->until = request.identity.until;
  allocation->ticket = std::move(ticket);
  allocation->bandwidth = Bandwidth(config_.limits.bandwidth_per_allocation, request.now.steady);
  return allocation;
}

// False when no port at all is left for it.
bool Server::open_sockets(Allocation& allocation, const core::Now& now) {
  take_ports_home(now);
  const Opening& opening = *allocation.opening;
  if (opening.reserve_next) return open_pair(allocation, now);
  if (!opening.dual) return open_socket(allocation, opening.family, now);
  for (const core::Family family : {core::Family::ipv4, core::Family::ipv6}) {
    if (!places_.serves(family)) {
      allocation.refused_code(family) = ErrorCode::address_family_not_supported;
    } else if (!open_socket(allocation, family, now)) {
      allocation.refused_code(family) = ErrorCode::insufficient_capacity;
    }
  }
  return !opening.sockets.empty();
}

bool Server::open_socket(Allocation& allocation, core::Family family, const core::Now& now) {
  for (std::size_t tried = 0; tried < places_.size(); ++tried) {
    const std::size_t place = places_.next();
    if (!places_[place].serves(family)) continue;
    PortPool& ports = *places_[place].ports;
    const auto port = allocation.opening->even_port ? ports.take_even(random_, now.steady)
                                                    : ports.take(random_, now.steady);
    if (!port) continue;
    start_socket(allocation, place, *port, false);
    return true;
  }
  return false;
}

bool Server::open_pair(Allocation& allocation, const core::Now& now) {
  for (std::size_t tried = 0; tried < places_.size(); ++tried) {
    const std::size_t place = places_.next();
    if (!places_[place].serves(allocation.opening->family)) continue;
    const auto even = places_[place].ports->take_pair(random_, now.steady);
    if (!even) continue;
    start_socket(allocation, place, *even, false);
    start_socket(allocation, place, static_cast<std::uint16_t>(*even + 1), true);
    return true;
  }
  return false;
}

void Server::start_socket(Allocation& allocation, std::size_t place, std::uint16_t port,
                          bool reserved, std::optional<ReservationToken> reservation) {
  places_[place].address.in_use->set(port);
  const core::SocketAddress address(places_[place].address.ip, port);
  const RelayId id = relays_.add({.address = address,
                                  .place = place,
                                  .allocation = reserved ? nullptr : &allocation,
                                  .waiting = &allocation});
  allocation.opening->sockets.push_back({.relay = id, .reserved = reserved, .open = false});
  commands_.emplace_back(OpenRelay{
      .relay = id, .address = address, .reservation = reservation, .tcp = allocation.opening->tcp});
}

Allocation* Server::waiting_for(RelayId id) {
  const Relay* relay = relays_.find(id);
  return relay == nullptr ? nullptr : relay->waiting;
}

Decision Server::relay_opened(RelayId id, const core::Now& now) {
  Allocation* allocation = waiting_for(id);
  if (allocation == nullptr) return drop(DropReason::unknown_relay);
  for (Opening::Socket& socket : allocation->opening->sockets) {
    if (socket.relay == id) socket.open = true;
  }
  return opening_went_on(*allocation, now);
}

// Somebody else on this machine has the port: another one, or for a pair two others.
Decision Server::relay_refused(RelayId id, const core::Now& now) {
  Allocation* allocation = waiting_for(id);
  if (allocation == nullptr) return drop(DropReason::unknown_relay);
  Opening& opening = *allocation->opening;
  const core::Family family = relays_.find(id)->address.family();
  const bool again = opening.attempts_left > 0;
  if (again) --opening.attempts_left;

  if (opening.reserve_next) {
    while (!opening.sockets.empty()) abandon_socket(*allocation, opening.sockets.back().relay, now);
    if (again && open_pair(*allocation, now)) return Drop{DropReason::answer_comes_later};
    return allocate_failed(*allocation, now);
  }
  abandon_socket(*allocation, id, now);
  if (again && open_socket(*allocation, family, now)) return Drop{DropReason::answer_comes_later};
  allocation->refused_code(family) = ErrorCode::insufficient_capacity;
  if (opening.sockets.empty()) return allocate_failed(*allocation, now);
  return opening_went_on(*allocation, now);
}

void Server::abandon_socket(Allocation& allocation, RelayId id, const core::Now& now) {
  close_relay(id, now);
  std::erase_if(allocation.opening->sockets, [&](const auto& s) { return s.relay == id; });
}

Decision Server::opening_went_on(Allocation& allocation, const core::Now& now) {
  const bool all_open =
      std::ranges::all_of(allocation.opening->sockets, [](const auto& s) { return s.open; });
  if (!all_open) return Drop{DropReason::answer_comes_later};
  return allocate_succeeded(allocation, now);
}

Decision Server::allocate_failed(Allocation& allocation, const core::Now& now) {
  limits_hit_.note(Limit::relay_ports, {});
  // The answer borrows its five-tuple, which is about to go.
  answered_five_tuple_ = allocation.five_tuple;
  const AnswerTo to{.five_tuple = &answered_five_tuple_,
                    .client = allocation.client,
                    .method = stun::Method::allocate,
                    .transaction = allocation.transaction,
                    .fingerprint = allocation.fingerprint,
                    .key = allocation.key.bytes(),
                    .integrity = allocation.integrity};
  const Decision answer = refuse_for_lack_of_room(to);
  remove(allocation, AllocationEnd::refused, now);
  return answer;
}

Decision Server::refuse_for_lack_of_room(const AnswerTo& to) {
  if (config_.alternate.when == AlternateServers::When::draining) {
    return answers_.error(to, ErrorCode::insufficient_capacity);
  }
  return send_elsewhere(to);
}

// RFC 8489 section 10: to a server of the client's own family, since it may have no other. Without
// one this is an ordinary lack of room.
Decision Server::send_elsewhere(const AnswerTo& to) {
  const AlternateServers& alternate = config_.alternate;
  for (std::size_t tried = 0; tried < alternate.servers.size(); ++tried) {
    const auto& server = alternate.servers[next_alternate_++ % alternate.servers.size()];
    if (server.family() == to.five_tuple->client.family()) return send_to(to, server);
  }
  return answers_.error(to, ErrorCode::insufficient_capacity);
}

// Absent: it is served here.
std::optional<Decision> Server::send_to_less_busy(const Request& request) {
  const auto server = sibling_loads_.less_busy(
      quota_.taken(), request.to.five_tuple->client.family(), request.now.steady);
  if (!server) return std::nullopt;
  ++counters_.sent_to_less_busy;
  return send_to(request.to, *server);
}

Decision Server::send_to(const AnswerTo& to, const core::SocketAddress& server) {
  const std::string& domain = config_.alternate.domain;
  const bool has_certificate =
      to.five_tuple->transport == Transport::tls || to.five_tuple->transport == Transport::dtls;
  return answers_.error(to, ErrorCode::try_alternate, [&](stun::MessageBuilder& answer) {
    answer.add_address(Attribute::alternate_server, server);
    if (has_certificate && !domain.empty()) answer.add_text(Attribute::alternate_domain, domain);
  });
}

Decision Server::allocate_succeeded(Allocation& allocation, const core::Now& now) {
  const std::unique_ptr<Opening> opening = std::move(allocation.opening);
  for (const Opening::Socket& socket : opening->sockets) {
    Relay* relay = relays_.find(socket.relay);
    relay->waiting = nullptr;
    if (socket.reserved) {
      hold_reservation(allocation, socket.relay, now);
    } else {
      allocation.relay(relay->address.family()) = socket.relay;
    }
  }
  if (opening->mobile) make_mobile(allocation);
  deadlines_.set(allocation.expiry, now.steady + opening->lifetime);
  allocation.session.since = now.steady;
  name_session(allocation);
  ++counters_.allocations;
  return answer_allocate(allocation, now);
}

// Should others have used the last room up meanwhile, the answer has no token, and the client asks
// for a port of any number.
void Server::hold_reservation(Allocation& allocation, RelayId id, const core::Now& now) {
  ReservationToken token;
  do {
    random_.fill(token);
  } while (reservations_.contains(key_of(token)));
  const Relay& relay = *relays_.find(id);
  if (!held_.hold(token, id, {.address = relay.address, .username = allocation.username})) {
    return close_relay(id, now);
  }
  auto reservation = std::make_unique<Reservation>(token, relay.place, relay.address.port());
  deadlines_.set(reservation->expiry, now.steady + kReservationLifetime);
  reservations_.emplace(key_of(token), std::move(reservation));
  relays_.remove(id); // its socket is with the reservations now
  allocation.reservation = token;
}

// The same for the first answer and for every retransmission of its request (section 7.2): what
// remains of the lifetime is the only thing that changes.
Decision Server::answer_allocate(const Allocation& allocation, const core::Now& now) {
  const AnswerTo to{.five_tuple = &allocation.five_tuple,
                    .client = allocation.client,
                    .method = stun::Method::allocate,
                    .transaction = allocation.transaction,
                    .fingerprint = allocation.fingerprint,
                    .key = allocation.key.bytes(),
                    .integrity = allocation.integrity};
  return answers_.success(to, [&](stun::MessageBuilder& answer) {
    for (const auto& relay : allocation.relays) {
      if (relay) answer.add_xor_address(Attribute::xor_relayed_address, advertised(*relay));
    }
    const auto remaining =
        std::chrono::ceil<std::chrono::seconds>(allocation.expiry.when() - now.steady);
    answer.add_u32(Attribute::lifetime, static_cast<std::uint32_t>(remaining.count()));
    if (allocation.reservation) answer.add(Attribute::reservation_token, *allocation.reservation);
    answer.add_xor_address(Attribute::xor_mapped_address, allocation.five_tuple.client);
    add_ticket(answer, allocation);
    for (const core::Family family : {core::Family::ipv4, core::Family::ipv6}) {
      if (const auto code = allocation.refused_code(family)) {
        answer.add_address_error(stun::family_number(family), *code);
      }
    }
  });
}

// Sections 7.2 and 8.2: what was asked for, as far as it is allowed, and never under the default; but
// no longer than an access token lasts (RFC 7635 section 9).
core::Duration Server::granted_lifetime(std::optional<std::uint32_t> requested,
                                        const std::optional<core::WallTime>& until,
                                        core::WallTime now) const {
  const core::Duration wanted =
      requested ? core::Duration(std::chrono::seconds(*requested)) : kDefaultLifetime;
  const core::Duration granted =
      std::max(std::min(wanted, config_.limits.max_lifetime), kDefaultLifetime);
  if (!until) return granted;
  return std::min<core::Duration>(granted, std::max(*until - now, std::chrono::seconds(1)));
}
} // namespace turnd
