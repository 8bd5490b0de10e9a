// A reload: other rules for what is there, as far as they hold for it.
#include <algorithm>
#include <utility>

#include "turnd/relay/server.h"

namespace turnd {

void Server::set_config(ServerConfig config, const core::Now& now) {
  config.worker = config_.worker;
  config.workers = config_.workers;
  config.ticket_key = config_.ticket_key;
  config_ = std::move(config);
  places_.set(config_.relay_addresses, config_.ports);
  discovery_ = BehaviourDiscovery(config_.udp_listeners);
  limiter_.set_rate(config_.limits.unauthenticated_answers);
  allocations_.for_each([&](Allocation& allocation) {
    allocation.bandwidth.set_rate(config_.limits.bandwidth_per_allocation, now.steady);
    if (allocation.tcp != nullptr) {
      allocation.tcp->bandwidth->set_rate(config_.limits.bandwidth_per_allocation);
    }
    end_what_is_forbidden(allocation);
    offload(allocation, now);
  });
}

// Asked now and then, of a way that is about to go.
bool Server::reaches_clients_by(ClientTag client) const {
  bool found = std::ranges::any_of(
      arrivals_, [&](const auto& arrival) { return arrival.second->client == client; });
  allocations_.for_each(
      [&](const Allocation& allocation) { found = found || allocation.client == client; });
  return found;
}

// Data needs a permission, whose peer may be any port of an address, and channels name a port.
void Server::end_what_is_forbidden(Allocation& allocation) {
  allocation.permissions.end_if(
      [&](const core::IpAddress& peer) { return !config_.peers.allows(peer); });
  allocation.channels.end_if([&](const PeerAddress& peer) {
    return !config_.peers.allows(peer.address.ip()) || !may_speak_to(peer.address);
  });
  if (allocation.tcp != nullptr) end_forbidden_connections(allocation);
}

} // namespace turnd
