// The server's part in offloading: which channels, until when, and what has been counted elsewhere.
#include "turnd/relay/offload.h"

#include <algorithm>
#include <array>

#include "turnd/relay/server.h"

namespace turnd {
namespace {

constexpr std::size_t kUdp = static_cast<std::size_t>(Transport::udp);

// Addresses that say by themselves where a packet goes: a link-local one needs an interface beside it.
bool is_plain(const core::IpAddress& ip) {
  if (ip.is_unspecified() || ip.canonical() != ip) return false;
  const bool link_local =
      ip.family == core::Family::ipv6 && ip.octets[0] == 0xfe && (ip.octets[1] & 0xc0) == 0x80;
  return !link_local;
}

} // namespace

void Server::set_offload_numbers(std::uint32_t first, std::uint32_t count, const core::Now& now) {
  allocations_.for_each([&](Allocation& allocation) {
    allocation.offloaded.numbers.clear();
    allocation.offloaded.ending.clear();
    deadlines_.cancel(allocation.offloaded.paused);
  });
  offloads_.set_numbers(first, count);
  allocations_.for_each([&](Allocation& allocation) { offload(allocation, now); });
}

void Server::offload(Allocation& allocation, const core::Now& now) {
  if (!offloads_.is_on()) return;
  if (allocation.offloaded.paused.is_set()) return;
  offload_wanted_.clear();
  if (may_be_offloaded(allocation)) {
    allocation.channels.for_each(now.steady, [&](const Channel& channel) {
      if (auto wanted = wanted_for(allocation, channel, now)) offload_wanted_.push_back(*wanted);
    });
  }
  offloads_.set(allocation, offload_wanted_);
}

void Server::end_offload(Allocation& allocation) {
  deadlines_.cancel(allocation.offloaded.paused);
  if (offloads_.is_on()) offloads_.end_for_good(allocation);
}

bool Server::may_be_offloaded(const Allocation& allocation) const {
  const FiveTuple& five_tuple = allocation.five_tuple;
  return five_tuple.transport == Transport::udp && allocation.tcp == nullptr &&
         allocation.opening == nullptr && allocation.client != kNoClient &&
         is_plain(five_tuple.server.ip()) && is_plain(five_tuple.client.ip()) &&
         !is_own_address(five_tuple.client.ip());
}

// Data needs the channel, its permission and the allocation (RFC 8656 sections 3 and 12): the first of
// them to end ends it. What is for this server itself has no business going round in the kernel.
std::optional<OffloadTable::Wanted> Server::wanted_for(const Allocation& allocation,
                                                       const Channel& channel,
                                                       const core::Now& now) const {
  const core::IpAddress ip = channel.peer.address.ip();
  const auto permitted = allocation.permissions.allowed_until(ip, now.steady);
  const auto& relay = allocation.relay(ip.family);
  if (!permitted || !relay || !is_plain(ip) || is_own_address(ip)) return std::nullopt;
  return OffloadTable::Wanted{
      .binding = {.client = allocation.five_tuple.client,
                  .server = allocation.five_tuple.server,
                  .relay = relays_.find(*relay)->address,
                  .peer = channel.peer.address,
                  .channel = channel.number},
      .expires = std::min({channel.expires, *permitted, allocation.expiry.when()})};
}

// On any port: of listeners, relay sockets and whatever else.
bool Server::is_own_address(const core::IpAddress& ip) const {
  return config_.peers.is_own_address(ip) || places_.has_address(ip);
}

// Bytes that have passed can't be held back any more: who is above a limit comes back to the ordinary
// way, which holds the limit, until half of the second that a limit allows at once is there again.
void Server::offload_counted(OffloadNumber number, const Traffic& to_peer, const Traffic& to_client,
                             const core::Now& now) {
  count_offloaded(to_peer, to_client);
  Allocation* allocation = offloads_.owner(number);
  if (allocation == nullptr) return;
  allocation->session.to_peers += to_peer;
  allocation->session.to_client += to_client;
  const std::uint64_t bytes = to_peer.bytes + to_client.bytes;
  const bool above = bytes > 0 && is_above_limit(*allocation, bytes, now);
  if (allocation->offloaded.paused.is_set()) return; // another of its channels
  if (above) {
    offloads_.end(*allocation);
    deadlines_.set(allocation->offloaded.paused, now.steady + kOffloadPause);
  } else if (offloads_.expires(number) <= now.steady) {
    offload(*allocation, now);
  }
}

bool Server::is_above_limit(Allocation& allocation, std::uint64_t bytes, const core::Now& now) {
  const bool own = !allocation.bandwidth.charge(bytes, now.steady);
  const bool user = allocation.ticket.bandwidth()->charge(bytes, now.steady) > core::Duration(0);
  if (own) limits_hit_.note(Limit::bandwidth, allocation.username);
  if (user) limits_hit_.note(Limit::bandwidth_per_user, allocation.ticket.user());
  return own || user;
}

void Server::offload_pause_over(Allocation& allocation, const core::Now& now) {
  const bool eased = allocation.bandwidth.is_half_full(now.steady) &&
                     allocation.ticket.bandwidth()->is_half_full(now.steady);
  if (eased) return offload(allocation, now);
  deadlines_.set(allocation.offloaded.paused, now.steady + kOffloadPause);
}

void Server::offload_refused(OffloadNumber number) { offloads_.refused(number); }

void Server::offload_ended(OffloadNumber number, const Traffic& to_peer, const Traffic& to_client,
                           const core::Now& now) {
  offload_counted(number, to_peer, to_client, now);
  offloads_.ended(number);
}

void Server::count_offloaded(const Traffic& to_peer, const Traffic& to_client) {
  counters_.to_peers[kUdp] += to_peer;
  counters_.to_clients[kUdp] += to_client;
  counters_.offloaded_to_peers += to_peer;
  counters_.offloaded_to_clients += to_client;
}

OffloadFigures Server::offload_figures() const {
  return {.bindings = offloads_.size(),
          .begun = offloads_.begun(),
          .without_number = offloads_.without_number(),
          .refused = offloads_.refused()};
}

} // namespace turnd
