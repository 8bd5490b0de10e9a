// A reload: other rules for what is there, as far as they hold for it.
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
  });
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
