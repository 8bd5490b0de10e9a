#include "turnd/relay/take_over.h"

#include <algorithm>
#include <utility>

#include "turnd/relay/server.h"

namespace turnd {
namespace {

// What is about to end ends in the new process.
core::Duration left_until(core::TimePoint when, const core::Now& now) {
  return std::max(when - now.steady, core::Duration(0));
}

// Whether it goes along, and by which link.
struct Way {
  bool goes = false;
  std::optional<LinkNumber> link;
};
Way way_of(const Allocation& allocation, const LinkOf& link_of) {
  if (allocation.opening != nullptr || allocation.tcp != nullptr) return {};
  if (allocation.client == kNoClient) return {.goes = true, .link = std::nullopt};
  const auto link = link_of(allocation.client);
  return {.goes = link.has_value(), .link = link};
}

} // namespace

// ---- the old process

// Nothing of a mobile client is on its way between two workers: who waits here waits for the client.
bool Server::is_settled() const {
  return std::ranges::all_of(arrivals_, [](const auto& arrival) {
    return arrival.second->state == Arrival::State::expected;
  });
}

ServerState Server::state(const LinkOf& link_of, const core::Now& now) const {
  ServerState state;
  state.last_session = session_number_;
  state.allocations.reserve(allocations_.size());
  allocations_.for_each([&](const Allocation& allocation) {
    if (auto moving = state_of(allocation, link_of, now)) {
      state.allocations.push_back(*std::move(moving));
      return;
    }
    for (const auto& id : allocation.relays) {
      const Relay* relay = id ? relays_.find(*id) : nullptr;
      if (relay != nullptr) state.staying.push_back(relay->address);
    }
  });
  for (const auto& [key, reservation] : reservations_) {
    const auto reserved = held_.find(reservation->token);
    if (!reserved) continue;
    state.reservations.push_back({.token = reservation->token,
                                  .address = reserved->address,
                                  .username = reserved->username,
                                  .left = left_until(reservation->expiry.when(), now)});
  }
  for (const auto& [five_tuple, arrival] : arrivals_) {
    const auto link = link_of(arrival->client);
    if (!link || arrival->state != Arrival::State::expected) continue;
    state.arrivals.push_back({.link = *link,
                              .five_tuple = five_tuple,
                              .ticket = arrival->ticket,
                              .transaction = arrival->transaction,
                              .fingerprint = arrival->fingerprint,
                              .lifetime = arrival->lifetime,
                              .username = arrival->username,
                              .key = arrival->key,
                              .algorithm = arrival->algorithm,
                              .integrity = arrival->integrity,
                              .left = left_until(arrival->expiry.when(), now)});
  }
  return state;
}

std::optional<AllocationState> Server::state_of(const Allocation& allocation, const LinkOf& link_of,
                                                const core::Now& now) const {
  const Way way = way_of(allocation, link_of);
  if (!way.goes) return std::nullopt;
  AllocationState state;
  state.link = way.link;
  state.five_tuple = allocation.five_tuple;
  state.transaction = allocation.transaction;
  state.fingerprint = allocation.fingerprint;
  state.username = allocation.username;
  state.key = allocation.key;
  state.algorithm = allocation.algorithm;
  state.integrity = allocation.integrity;
  state.until = allocation.until;
  state.left = left_until(allocation.expiry.when(), now);
  for (std::size_t i = 0; i < state.relays.size(); ++i) {
    const auto& id = allocation.relays[i];
    if (!id) continue;
    const Relay* relay = relays_.find(*id);
    if (relay == nullptr) continue;
    state.relays[i] = {.id = *id,
                       .address = relay->address,
                       .advertised = places_[relay->place].address.advertised};
  }
  state.reservation = allocation.reservation;
  state.refused = allocation.refused;
  allocation.permissions.for_each(now.steady, [&](const core::IpAddress& peer, auto expires) {
    state.permissions.push_back({.peer = peer, .left = expires - now.steady});
  });
  allocation.channels.for_each(now.steady, [&](const Channel& channel) {
    state.channels.push_back(
        {.number = channel.number, .peer = channel.peer, .left = channel.expires - now.steady});
  });
  state.bandwidth_left = allocation.bandwidth.left();
  if (const Mobility* mobility = allocation.mobility.get()) {
    state.mobile = {.number = mobility->number,
                    .generation = mobility->generation,
                    .settled = mobility->settled,
                    .transaction = mobility->transaction};
  }
  state.session = allocation.session.id;
  state.age = now.steady - allocation.session.since;
  state.to_peers = allocation.session.to_peers;
  state.to_client = allocation.session.to_client;
  return state;
}

// The new process gives the ports back to itself: here they are nobody's any more.
void Server::let_go(const LinkOf& link_of) {
  std::vector<Allocation*> gone;
  allocations_.for_each([&](Allocation& allocation) {
    if (way_of(allocation, link_of).goes) gone.push_back(&allocation);
  });
  for (Allocation* allocation : gone) {
    end_offload(*allocation);
    for (const auto& relay : allocation->relays) {
      if (!relay) continue;
      relays_.remove(*relay);
      commands_.emplace_back(CloseRelay{*relay});
    }
    if (allocation->mobility != nullptr) {
      mobile_.erase(allocation->mobility->number);
      mobile_allocations_.remove(allocation->mobility->number);
    }
    sessions_.erase(allocation->session.id);
    allocations_.remove(*allocation);
  }
  for (const auto& [key, reservation] : reservations_) held_.expire(reservation->token);
  reservations_.clear();
  std::erase_if(arrivals_,
                [&](const auto& arrival) { return link_of(arrival.second->client).has_value(); });
}

// ---- the new process

void Server::resume(ServerState& state, const TagOf& tag_of, const core::Now& now) {
  session_number_ = std::max(session_number_, state.last_session);
  for (AllocationState& each : state.allocations) resume(each, tag_of, now);
  for (const ReservationState& each : state.reservations) resume(each, now);
  for (const ArrivalState& each : state.arrivals) resume(each, tag_of, now);
}

void Server::resume(AllocationState& state, const TagOf& tag_of, const core::Now& now) {
  auto owned = std::make_unique<Allocation>();
  Allocation& allocation = *owned;
  allocation.five_tuple = state.five_tuple;
  allocation.client = state.link ? tag_of(*state.link) : kNoClient;
  allocation.transaction = state.transaction;
  allocation.fingerprint = state.fingerprint;
  allocation.username = state.username;
  allocation.key = state.key;
  allocation.algorithm = state.algorithm;
  allocation.integrity = state.integrity;
  allocation.until = state.until;
  allocation.ticket = quota_.ticket_beyond_limits(quota_user(state.username));
  for (auto& relay : state.relays) {
    if (!relay) continue;
    const std::size_t place = places_.adopt(relay->address, relay->advertised);
    places_[place].ports->adopt(relay->address.port());
    relay->id = relays_.add(
        {.address = relay->address, .place = place, .allocation = &allocation, .waiting = nullptr});
    allocation.relay(relay->address.family()) = relay->id;
  }
  allocation.reservation = state.reservation;
  allocation.refused = state.refused;
  // Those that this configuration forbids end here.
  for (const auto& permission : state.permissions) {
    if (!config_.peers.allows(permission.peer)) continue;
    allocation.permissions.restore(permission.peer, now.steady + permission.left);
  }
  for (const auto& channel : state.channels) {
    allocation.channels.restore(
        {.peer = channel.peer, .number = channel.number, .expires = now.steady + channel.left});
  }
  allocation.bandwidth = Bandwidth(config_.limits.bandwidth_per_allocation, now.steady);
  allocation.bandwidth.begin_with(state.bandwidth_left);
  if (state.mobile && mobile_allocations_.add(state.mobile->number, config_.worker)) {
    allocation.mobility = std::make_unique<Mobility>();
    allocation.mobility->number = state.mobile->number;
    allocation.mobility->generation = state.mobile->generation;
    allocation.mobility->settled = state.mobile->settled;
    allocation.mobility->transaction = state.mobile->transaction;
    mobile_.emplace(state.mobile->number, &allocation);
  }
  allocation.session = {.id = state.session,
                        .since = now.steady - state.age,
                        .to_peers = state.to_peers,
                        .to_client = state.to_client};
  name_session(allocation);
  deadlines_.set(allocation.expiry, now.steady + state.left);
  allocations_.add(std::move(owned));
  offload(allocation, now);
}

void Server::resume(const ReservationState& state, const core::Now& now) {
  const auto known = places_.of(state.address.ip());
  const std::size_t place = known ? *known : places_.adopt(state.address, state.address.ip());
  if (!held_.hold(state.token, {}, {.address = state.address, .username = state.username})) return;
  places_[place].ports->adopt(state.address.port());
  places_[place].address.in_use->set(state.address.port());
  auto reservation = std::make_unique<Reservation>(state.token, place, state.address.port());
  deadlines_.set(reservation->expiry, now.steady + state.left);
  reservations_.emplace(key_of(state.token), std::move(reservation));
}

void Server::resume(const ArrivalState& state, const TagOf& tag_of, const core::Now& now) {
  auto arrival = std::make_unique<Arrival>(
      ArrivalId{
          .worker = config_.worker, .serial = ++arrival_serial_, .five_tuple = state.five_tuple},
      kArrivalExpiry);
  arrival->client = tag_of(state.link);
  arrival->state = Arrival::State::expected;
  arrival->ticket = state.ticket;
  arrival->transaction = state.transaction;
  arrival->fingerprint = state.fingerprint;
  arrival->lifetime = state.lifetime;
  arrival->username = state.username;
  arrival->key = state.key;
  arrival->algorithm = state.algorithm;
  arrival->integrity = state.integrity;
  deadlines_.set(arrival->expiry, now.steady + state.left);
  arrivals_.emplace(state.five_tuple, std::move(arrival));
}

void Server::keep_ports(std::span<const core::SocketAddress> addresses) {
  for (const core::SocketAddress& address : addresses) {
    const auto place = places_.of(address.ip());
    if (!place) continue;
    places_[*place].address.in_use->set(address.port());
    if (PortPool::home_of(address.port(), config_.workers) == config_.worker) {
      places_[*place].ports->adopt(address.port());
    }
  }
  places_.withdraw_taken();
}

} // namespace turnd
