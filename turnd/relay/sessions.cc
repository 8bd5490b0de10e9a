// What people see of the allocations, and the one thing that they can do to one.
#include <algorithm>

#include "turnd/relay/server.h"

namespace turnd {

// A shell asks for slices, so the table may change in between: what was there all the time is visited
// once.
template <typename Visit>
std::optional<SessionId> Server::visit_sessions(const SessionId& after, std::size_t at_most,
                                                Visit&& visit) const {
  auto each = sessions_.upper_bound(after);
  for (; each != sessions_.end() && at_most > 0; ++each, --at_most) visit(*each->second);
  if (each == sessions_.end()) return std::nullopt;
  return std::prev(each)->first;
}

std::optional<SessionId> Server::view_sessions(const SessionId& after, std::size_t at_most,
                                               const core::Now& now,
                                               std::vector<SessionView>& views) const {
  return visit_sessions(after, at_most, [&](const Allocation& allocation) {
    views.push_back(view(allocation, now));
  });
}

std::optional<SessionId> Server::count_sessions(const SessionId& after, std::size_t at_most,
                                                const core::Now& now,
                                                AllocationFigures& figures) const {
  return visit_sessions(after, at_most, [&](const Allocation& allocation) {
    ++figures.all;
    ++figures.by_transport[static_cast<std::size_t>(allocation.five_tuple.transport)];
    for (std::size_t family = 0; family < figures.by_family.size(); ++family) {
      if (allocation.relays[family]) ++figures.by_family[family];
    }
    if (allocation.tcp != nullptr) {
      ++figures.tcp;
      figures.connections += allocation.tcp->connections.size();
    }
    if (allocation.mobility != nullptr) ++figures.mobile;
    figures.permissions += allocation.permissions.live(now.steady);
    figures.channels += allocation.channels.live(now.steady);
    figures.ages.add(core::seconds_of(now.steady - allocation.session.since));
  });
}

SessionView Server::view(const Allocation& allocation, const core::Now& now) const {
  SessionView view{.session = allocation.session,
                   .user = allocation.username,
                   .five_tuple = allocation.five_tuple,
                   .has_client = allocation.client != kNoClient,
                   .relays = {},
                   .tcp = allocation.tcp != nullptr,
                   .mobile = allocation.mobility != nullptr,
                   .left = allocation.expiry.when() - now.steady,
                   .permissions = allocation.permissions.live(now.steady),
                   .channels = allocation.channels.live(now.steady),
                   .connections = 0,
                   .peers = {}};
  for (const auto& relay : allocation.relays) {
    if (relay) view.relays.push_back(advertised(*relay));
  }
  const auto name = [&view](const core::SocketAddress& peer) {
    if (view.peers.size() < SessionView::kMaxPeers) view.peers.push_back(peer);
  };
  allocation.channels.for_each(now.steady, [&](const Channel& c) { name(c.peer.address); });
  if (allocation.tcp != nullptr) {
    view.connections = allocation.tcp->connections.size();
    for (const auto& connection : allocation.tcp->connections) name(connection->peer);
    view.session.to_peers.bytes += allocation.tcp->bandwidth->carried_to_peers();
    view.session.to_client.bytes += allocation.tcp->bandwidth->carried_to_client();
  }
  allocation.permissions.for_each(now.steady, [&](const core::IpAddress& peer, core::TimePoint) {
    const bool named =
        std::ranges::any_of(view.peers, [&](const auto& p) { return p.ip() == peer; });
    if (!named) name({peer, 0});
  });
  return view;
}

// One that has come from elsewhere keeps its name.
void Server::name_session(Allocation& allocation) {
  SessionId& id = allocation.session.id;
  const bool has_name = id.number != 0 && sessions_.emplace(id, &allocation).second;
  if (has_name) return;
  id = {.worker = config_.worker, .number = ++session_number_};
  sessions_.emplace(id, &allocation);
}

// As if its time had passed: the client learns it from its next request (437).
std::optional<SessionView> Server::end_session(const SessionId& id, const core::Now& now) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return std::nullopt;
  SessionView last = view(*found->second, now);
  remove(*found->second, AllocationEnd::killed, now);
  return last;
}

} // namespace turnd
