#include "turnd/relay/counters.h"

namespace turnd {

Counters& Counters::operator+=(const Counters& other) {
  packets_to_peers += other.packets_to_peers;
  bytes_to_peers += other.bytes_to_peers;
  packets_to_clients += other.packets_to_clients;
  bytes_to_clients += other.bytes_to_clients;
  icmp_to_clients += other.icmp_to_clients;
  allocations += other.allocations;
  for (std::size_t i = 0; i < kDropReasons; ++i) drops[i] += other.drops[i];
  for (std::size_t i = 0; i < kLimits; ++i) limits[i] += other.limits[i];
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

} // namespace turnd
