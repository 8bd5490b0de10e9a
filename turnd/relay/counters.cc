#include "turnd/relay/counters.h"

namespace turnd {

namespace {

template <typename Element, std::size_t kSize>
void add(std::array<Element, kSize>& sum, const std::array<Element, kSize>& more) {
  for (std::size_t i = 0; i < kSize; ++i) sum[i] += more[i];
}

} // namespace

Counters& Counters::operator+=(const Counters& other) {
  add(to_peers, other.to_peers);
  add(to_clients, other.to_clients);
  offloaded_to_peers += other.offloaded_to_peers;
  offloaded_to_clients += other.offloaded_to_clients;
  icmp_to_clients += other.icmp_to_clients;
  allocations += other.allocations;
  sent_to_less_busy += other.sent_to_less_busy;
  add(ends, other.ends);
  lifetimes += other.lifetimes;
  add(requests, other.requests);
  add(proofs, other.proofs);
  add(drops, other.drops);
  add(limits, other.limits);
  refusals += other.refusals;
  return *this;
}

std::string_view name_of(DropReason reason) {
  switch (reason) {
    case DropReason::not_turn:
      return "not_turn";
    case DropReason::not_for_servers:
      return "not_for_servers";
    case DropReason::no_allocation:
      return "no_allocation";
    case DropReason::no_channel:
      return "no_channel";
    case DropReason::no_permission:
      return "no_permission";
    case DropReason::forbidden_peer:
      return "forbidden_peer";
    case DropReason::icmp_not_relayed:
      return "icmp_not_relayed";
    case DropReason::icmp_limited:
      return "icmp_limited";
    case DropReason::hop_limit:
      return "hop_limit";
    case DropReason::bandwidth:
      return "bandwidth";
    case DropReason::too_long:
      return "too_long";
    case DropReason::limited:
      return "limited";
    case DropReason::forbidden_client:
      return "forbidden_client";
    case DropReason::own_relay_address:
      return "own_relay_address";
    case DropReason::answer_comes_later:
      return "answer_comes_later";
    case DropReason::wrong_transport:
      return "wrong_transport";
    case DropReason::no_client:
      return "no_client";
    case DropReason::unknown_relay:
      return "unknown_relay";
  }
  return {};
}

std::string_view name_of(Limit limit) {
  switch (limit) {
    case Limit::allocations:
      return "allocations";
    case Limit::allocations_per_user:
      return "allocations_per_user";
    case Limit::relay_ports:
      return "relay_ports";
    case Limit::reservations:
      return "reservations";
    case Limit::permissions:
      return "permissions_per_allocation";
    case Limit::channels:
      return "channels_per_allocation";
    case Limit::connections:
      return "connections_per_allocation";
    case Limit::bandwidth:
      return "bandwidth_per_allocation";
    case Limit::bandwidth_per_user:
      return "bandwidth_per_user";
    case Limit::unauthenticated_answers:
      return "unauthenticated_answers_per_source";
  }
  return {};
}

std::string_view name_of(AllocationEnd end) {
  switch (end) {
    case AllocationEnd::refused:
      return "refused";
    case AllocationEnd::expired:
      return "expired";
    case AllocationEnd::deleted:
      return "deleted";
    case AllocationEnd::client_gone:
      return "client_gone";
    case AllocationEnd::killed:
      return "killed";
  }
  return {};
}

std::string_view name_of(Proof proof) {
  switch (proof) {
    case Proof::right:
      return "right";
    case Proof::absent:
      return "absent";
    case Proof::malformed:
      return "malformed";
    case Proof::stale_nonce:
      return "stale_nonce";
    case Proof::unknown_user:
      return "unknown_user";
    case Proof::expired:
      return "expired";
    case Proof::wrong:
      return "wrong";
  }
  return {};
}

std::string_view name_of(Transport transport) {
  switch (transport) {
    case Transport::udp:
      return "udp";
    case Transport::tcp:
      return "tcp";
    case Transport::tls:
      return "tls";
    case Transport::dtls:
      return "dtls";
  }
  return {};
}

std::string_view name_of(stun::Method method) {
  switch (method) {
    case stun::Method::binding:
      return "binding";
    case stun::Method::allocate:
      return "allocate";
    case stun::Method::refresh:
      return "refresh";
    case stun::Method::create_permission:
      return "create_permission";
    case stun::Method::channel_bind:
      return "channel_bind";
    case stun::Method::connect:
      return "connect";
    case stun::Method::connection_bind:
      return "connection_bind";
    default:
      return {};
  }
}

} // namespace turnd
