// Mobility (RFC 8016 section 3.2). turnd/relay/mobility.h has the way of a client from one worker to
// another; here the parts of both stand in its order.
#include "turnd/relay/mobility.h"

#include <algorithm>
#include <utility>

#include "libcore/stun/channel_data.h"
#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

void Server::make_mobile(Allocation& allocation) {
  auto mobility = std::make_unique<Mobility>();
  do {
    std::array<std::uint8_t, 8> number{};
    random_.fill(number);
    mobility->number = static_cast<AllocationNumber>(core::ByteReader(number).u64().value_or(0));
  } while (!mobile_allocations_.add(mobility->number, config_.worker));
  mobile_.emplace(mobility->number, &allocation);
  allocation.mobility = std::move(mobility);
}

void Server::add_ticket(stun::MessageBuilder& answer, const Allocation& allocation) const {
  if (allocation.mobility == nullptr) return;
  answer.add(Attribute::mobility_ticket,
             tickets_.make({.allocation = allocation.mobility->number,
                            .generation = allocation.mobility->generation}));
}

// ---- the worker of the new five-tuple: a Refresh with a ticket

Decision Server::refresh_from_elsewhere(Request& request, const Ticket& ticket) {
  const core::Bytes bytes = request.message.bytes();
  if (bytes.size() > kMaxMobileRefreshBytes) return drop(DropReason::too_long);
  if (arrivals_.size() >= kMaxArrivals) return drop(DropReason::limited);

  const FiveTuple& five_tuple = *request.to.five_tuple;
  auto owned = std::make_unique<Arrival>(
      ArrivalId{.worker = config_.worker, .serial = ++arrival_serial_, .five_tuple = five_tuple},
      kArrivalExpiry);
  Arrival& arrival = *owned;
  arrival.client = request.to.client;
  arrival.ticket = ticket;
  arrival.transaction = request.to.transaction;
  arrival.fingerprint = request.to.fingerprint;
  arrivals_.emplace(five_tuple, std::move(owned));
  deadlines_.set(arrival.expiry, request.now.steady + kOwnerAnswerLimit);
  return ask_owner(arrival, {bytes.begin(), bytes.end()}, request.now);
}

Decision Server::ask_owner(Arrival& arrival, std::vector<std::uint8_t> refresh,
                           const core::Now& now) {
  const auto owner = mobile_allocations_.owner(arrival.ticket.allocation);
  if (!owner || arrival.lookups_left == 0) return nowhere_to_be_found(arrival, refresh, now);
  --arrival.lookups_left;
  MobilityQuestion question{.arrival = arrival.id,
                            .owner = *owner,
                            .ticket = arrival.ticket,
                            .refresh = std::move(refresh)};
  if (*owner == config_.worker) {
    return mobility_answered(mobility_asked(std::move(question), now), now);
  }
  commands_.emplace_back(std::move(question));
  return Drop{DropReason::answer_comes_later};
}

// ---- the worker that has the allocation

// As on the allocation's own five-tuple: signed by its owner, with the key it was made with or
// another that is his. What is refused changes nothing.
MobilityReply Server::mobility_asked(MobilityQuestion question, const core::Now& now) {
  MobilityReply reply;
  reply.arrival = question.arrival;
  reply.refresh = std::move(question.refresh);
  const auto found = mobile_.find(question.ticket.allocation);
  const auto message = stun::Message::parse(reply.refresh);
  if (found == mobile_.end() || !message) return reply;
  Allocation& allocation = *found->second;
  Mobility& mobility = *allocation.mobility;

  const auto refuse = [&](ErrorCode code) {
    reply.outcome = MobilityReply::Outcome::refused;
    reply.refusal = code;
    return std::move(reply);
  };
  const Authenticator::Known owner{
      .username = allocation.username, .key = &allocation.key, .algorithm = allocation.algorithm};
  const auto identity = identify(*message, reply.arrival.five_tuple.client, &owner, now);
  if (!identity) return refuse(code_of(identity.error()));
  reply.key = identity->key;
  reply.algorithm = identity->algorithm;
  reply.integrity = identity->integrity;
  if (!stun::UnknownAttributes(*message, known_in_turn()).empty()) {
    return refuse(ErrorCode::unknown_attribute);
  }
  if (identity->username != allocation.username) return refuse(ErrorCode::wrong_credentials);
  if (!mobility.accepts(question.ticket)) return refuse(ErrorCode::bad_request);

  reply.username = allocation.username;
  const auto lifetime = apply_refresh(allocation, *message, now);
  if (!lifetime) return refuse(lifetime.error());
  reply.lifetime = *lifetime;
  if (*lifetime == 0) {
    reply.outcome = MobilityReply::Outcome::ended;
    return reply;
  }
  reply.outcome = MobilityReply::Outcome::granted;
  ++mobility.generation;
  mobility.settled = false;
  mobility.transaction = message->transaction_id();
  mobility.candidate = reply.arrival;
  reply.ticket = {.allocation = mobility.number, .generation = mobility.generation};
  return reply;
}

// ---- the worker of the new five-tuple: the answer

Decision Server::mobility_answered(MobilityReply reply, const core::Now& now) {
  Arrival* arrival = find_arrival(reply.arrival);
  if (arrival == nullptr) return drop(DropReason::no_allocation); // the client went away meanwhile
  switch (reply.outcome) {
    case MobilityReply::Outcome::elsewhere:
      return ask_owner(*arrival, std::move(reply.refresh), now);
    case MobilityReply::Outcome::refused:
      return refuse_arrival(*arrival, reply, now);
    case MobilityReply::Outcome::granted:
    case MobilityReply::Outcome::ended:
      break;
  }
  arrival->username = std::move(reply.username);
  arrival->key = reply.key;
  arrival->algorithm = reply.algorithm;
  arrival->integrity = reply.integrity;
  arrival->lifetime = reply.lifetime;
  arrival->ticket = reply.ticket;
  const Decision answer = answer_arrival(*arrival);
  if (reply.outcome == MobilityReply::Outcome::ended) {
    end_arrival(*arrival, Held::handled);
    return answer;
  }
  arrival->state = Arrival::State::expected;
  arrival->lookups_left = Arrival::kLookups;
  deadlines_.set(arrival->expiry, now.steady + std::chrono::seconds(arrival->lifetime));
  if (!arrival->held.empty()) fetch(*arrival, now);
  return answer;
}

// The arrival may end before the answer leaves, so the five-tuple is a copy.
Decision Server::answer_arrival(const Arrival& arrival) {
  answered_five_tuple_ = arrival.id.five_tuple;
  const AnswerTo to{.five_tuple = &answered_five_tuple_,
                    .client = arrival.client,
                    .method = stun::Method::refresh,
                    .transaction = arrival.transaction,
                    .fingerprint = arrival.fingerprint,
                    .key = arrival.key.bytes(),
                    .integrity = arrival.integrity};
  return answers_.success(to, [&](stun::MessageBuilder& answer) {
    answer.add_u32(Attribute::lifetime, arrival.lifetime);
    if (arrival.lifetime == 0) return;
    answer.add(Attribute::mobility_ticket, tickets_.make(arrival.ticket));
  });
}

Decision Server::refuse_arrival(Arrival& arrival, const MobilityReply& reply,
                                const core::Now& now) {
  const auto message = stun::Message::parse(reply.refresh);
  if (!message) return drop(DropReason::not_turn);
  answered_five_tuple_ = arrival.id.five_tuple;
  Request request{.message = *message,
                  .now = now,
                  .to = {.five_tuple = &answered_five_tuple_,
                         .client = arrival.client,
                         .method = stun::Method::refresh,
                         .transaction = arrival.transaction,
                         .fingerprint = arrival.fingerprint,
                         .key = reply.key.bytes(),
                         .integrity = reply.integrity},
                  .allocation = nullptr,
                  .identity = {}};
  end_arrival(arrival, Held::handled);
  if (request.to.key.empty()) return challenge(request, reply.refusal);
  return answers_.error(request.to, reply.refusal, [&](auto& answer) {
    if (reply.refusal != ErrorCode::unknown_attribute) return;
    answer.add_unknown_attributes(stun::UnknownAttributes(*message, known_in_turn()).types());
  });
}

// Nobody has it: its time has passed. The client is a stranger like others.
Decision Server::nowhere_to_be_found(Arrival& arrival, core::Bytes refresh, const core::Now& now) {
  const auto message = stun::Message::parse(refresh);
  if (!message) return drop(DropReason::not_turn);
  MobilityReply reply;
  reply.arrival = arrival.id;
  reply.outcome = MobilityReply::Outcome::refused;
  reply.refusal = ErrorCode::allocation_mismatch;
  reply.refresh.assign(refresh.begin(), refresh.end());
  const auto identity = identify(*message, arrival.id.five_tuple.client, nullptr, now);
  if (identity) {
    reply.key = identity->key;
    reply.integrity = identity->integrity;
  } else {
    reply.refusal = code_of(identity.error());
  }
  return refuse_arrival(arrival, reply, now);
}

// ---- the worker of the new five-tuple: its first use

// nullopt: as if the arrival weren't there.
std::optional<Decision> Server::from_arrival(Arrival& arrival, ClientTag client, core::Bytes bytes,
                                             const core::Now& now, const IpFields& ip) {
  if (!stun::looks_like_channel_data(bytes)) {
    const auto message = stun::Message::parse(bytes);
    if (!message || !stun::fingerprint_is_right_or_absent(*message)) return std::nullopt;
    if (message->message_class() == stun::Class::indication) {
      if (message->method() != stun::Method::send) return std::nullopt;
    } else if (message->message_class() == stun::Class::request) {
      if (message->method() == stun::Method::binding) return std::nullopt;
      const bool again = message->method() == stun::Method::refresh &&
                         message->transaction_id() == arrival.transaction;
      if (arrival.state == Arrival::State::asking) {
        return again ? Drop{DropReason::answer_comes_later} : hold(arrival, bytes, ip);
      }
      Request request{.message = *message,
                      .now = now,
                      .to = {.five_tuple = &arrival.id.five_tuple,
                             .client = client,
                             .method = message->method(),
                             .transaction = message->transaction_id(),
                             .fingerprint = message->fingerprint_offset().has_value()},
                      .allocation = nullptr,
                      .identity = {}};
      const Authenticator::Known owner{
          .username = arrival.username, .key = &arrival.key, .algorithm = arrival.algorithm};
      const auto identity = identify(*message, arrival.id.five_tuple.client, &owner, now);
      if (!identity) {
        if (!may_answer_unauthenticated(request)) return drop(DropReason::limited);
        return challenge(request, code_of(identity.error()));
      }
      if (again) return answer_arrival(arrival);
    } else {
      return std::nullopt;
    }
  }
  if (arrival.state == Arrival::State::expected && fetch(arrival, now)) return std::nullopt;
  return hold(arrival, bytes, ip);
}

Decision Server::hold(Arrival& arrival, core::Bytes bytes, const IpFields& ip) {
  if (arrival.held.size() >= Arrival::kMaxHeld ||
      arrival.held_bytes + bytes.size() > Arrival::kMaxHeldBytes) {
    return drop(DropReason::limited);
  }
  arrival.held.push_back({.bytes = {bytes.begin(), bytes.end()}, .ip = ip});
  arrival.held_bytes += bytes.size();
  return Drop{DropReason::answer_comes_later};
}

// True: the arrival has ended, since the allocation is here, or will never come.
bool Server::fetch(Arrival& arrival, const core::Now& now) {
  const auto owner = mobile_allocations_.owner(arrival.ticket.allocation);
  if (owner == config_.worker) {
    const auto found = mobile_.find(arrival.ticket.allocation);
    if (found != mobile_.end() &&
        found->second->mobility->generation == arrival.ticket.generation) {
      settle(*found->second, arrival.id.five_tuple, arrival.client, now);
    }
  } else if (owner && arrival.lookups_left > 0) {
    --arrival.lookups_left;
    arrival.state = Arrival::State::fetching;
    deadlines_.set(arrival.expiry, now.steady + kOwnerAnswerLimit);
    commands_.emplace_back(
        AllocationWanted{.arrival = arrival.id, .owner = *owner, .ticket = arrival.ticket});
    return false;
  }
  end_arrival(arrival, Held::handled);
  return true;
}

void Server::settle(Allocation& allocation, const FiveTuple& five_tuple, ClientTag client,
                    const core::Now& now) {
  auto owned = allocations_.take(allocation);
  allocation.five_tuple = five_tuple;
  allocation.client = client;
  allocation.mobility->settled = true;
  allocation.mobility->candidate.reset();
  allocations_.add(std::move(owned));
  offload(allocation, now);
}

// ---- the worker that has the allocation: giving it away

// To the five-tuple that the newest ticket was given to: of two that moved the later counts, and
// what comes late from the earlier can't call the allocation back.
MovingAllocation Server::hand_over(const AllocationWanted& wanted) {
  MovingAllocation moving{.arrival = wanted.arrival,
                          .ticket = wanted.ticket,
                          .allocation = nullptr,
                          .expires = {},
                          .relays = {}};
  const auto found = mobile_.find(wanted.ticket.allocation);
  if (found == mobile_.end() || found->second->mobility->generation != wanted.ticket.generation) {
    return moving;
  }
  Allocation& allocation = *found->second;
  moving.expires = allocation.expiry.when();
  deadlines_.cancel(allocation.expiry);
  end_offload(allocation);
  for (std::size_t i = 0; i < moving.relays.size(); ++i) {
    const auto id = std::exchange(allocation.relays[i], std::nullopt);
    if (!id) continue;
    const Relay* relay = relays_.find(*id);
    if (relay == nullptr) continue;
    moving.relays[i] = {.id = *id,
                        .address = relay->address,
                        .advertised = places_[relay->place].address.advertised};
    // A port that is dealt out here stays taken: it comes home when its socket is closed.
    const std::uint16_t port = relay->address.port();
    if (PortPool::home_of(port, config_.workers) != config_.worker) {
      places_[relay->place].ports->forget(port);
    }
    relays_.remove(*id);
  }
  mobile_.erase(found);
  sessions_.erase(allocation.session.id);
  mobile_allocations_.move(wanted.ticket.allocation, wanted.arrival.worker);
  moving.allocation = allocations_.take(allocation);
  return moving;
}

// ---- the worker of the new five-tuple: having it

void Server::adopt(MovingAllocation& moving, const core::Now& now) {
  Arrival* arrival = find_arrival(moving.arrival);
  if (moving.allocation == nullptr) {
    if (arrival != nullptr && arrival->state == Arrival::State::fetching) fetch(*arrival, now);
    return;
  }
  std::unique_ptr<Allocation> owned = std::move(moving.allocation);
  const FiveTuple& five_tuple = moving.arrival.five_tuple;
  // The client went away, and another one of this five-tuple has made an allocation already.
  const bool taken = allocations_.find(five_tuple) != nullptr;
  for (auto& relay : moving.relays) {
    if (!relay) continue;
    const std::size_t place = places_.adopt(relay->address, relay->advertised);
    const std::uint16_t port = relay->address.port();
    places_[place].ports->adopt(port);
    if (taken) {
      release_port(place, port, now);
      relay.reset();
      continue;
    }
    relay->id = relays_.add(
        {.address = relay->address, .place = place, .allocation = owned.get(), .waiting = nullptr});
    owned->relay(relay->address.family()) = relay->id;
  }
  if (taken) {
    mobile_allocations_.remove(owned->mobility->number);
    return;
  }
  Allocation& allocation = *owned;
  allocation.five_tuple = five_tuple;
  // Without the client that it comes for it waits for the next ticket, or for its end.
  allocation.client = arrival != nullptr ? arrival->client : kNoClient;
  allocation.mobility->settled = arrival != nullptr;
  allocation.mobility->candidate.reset();
  mobile_.emplace(allocation.mobility->number, &allocation);
  name_session(allocation);
  deadlines_.set(allocation.expiry, moving.expires);
  allocations_.add(std::move(owned));
  offload(allocation, now);
  if (arrival != nullptr) end_arrival(*arrival, Held::handled);
}

// ---- ends

Arrival* Server::find_arrival(const ArrivalId& id) {
  const auto found = arrivals_.find(id.five_tuple);
  if (found == arrivals_.end() || found->second->id.serial != id.serial) return nullptr;
  return found->second.get();
}

// What was held is a packet like others from here on, unless there is nobody to answer to.
void Server::end_arrival(Arrival& arrival, Held held) {
  if (held == Held::handled) {
    for (auto& packet : arrival.held) {
      commands_.emplace_back(HandleAgain{.five_tuple = arrival.id.five_tuple,
                                         .client = arrival.client,
                                         .bytes = std::move(packet.bytes),
                                         .ip = packet.ip});
    }
  }
  const FiveTuple five_tuple = arrival.id.five_tuple;
  arrivals_.erase(five_tuple);
}

// A connection that ends is the sign to go on where the client has announced itself last (section
// 3.2); where it hasn't, the allocation waits for it.
void Server::client_of_mobile_gone(Allocation& allocation, const core::Now& now) {
  allocation.client = kNoClient;
  offload(allocation, now);
  const Mobility& mobility = *allocation.mobility;
  if (!mobility.candidate) return;
  if (mobility.candidate->worker == config_.worker) {
    if (Arrival* arrival = find_arrival(*mobility.candidate)) fetch(*arrival, now);
    return;
  }
  commands_.emplace_back(AllocationWanted{
      .arrival = *mobility.candidate,
      .owner = config_.worker,
      .ticket = {.allocation = mobility.number, .generation = mobility.generation}});
}

} // namespace turnd
