#include "turnd/relay/peer_connections.h"

namespace turnd {

PeerConnectionTable::Entry* PeerConnectionTable::find(const ConnectionId& id) {
  const auto found = entries_.find(id.number);
  return found != entries_.end() && found->second.serial == id.serial ? &found->second : nullptr;
}

bool PeerConnectionTable::hold(const ConnectionId& id, const ConnectionOwner& owner) {
  return has_room() &&
         entries_.try_emplace(id.number, Entry{.serial = id.serial, .owner = owner}).second;
}

std::optional<ConnectionOwner> PeerConnectionTable::owner(ConnectionNumber number) {
  const auto found = entries_.find(number);
  if (found == entries_.end() || found->second.worker) return std::nullopt;
  return found->second.owner;
}

std::optional<ConnectionId> PeerConnectionTable::bind(ConnectionNumber number, unsigned worker) {
  const auto found = entries_.find(number);
  if (found == entries_.end() || found->second.worker) return std::nullopt;
  found->second.worker = worker;
  return ConnectionId{.number = number, .serial = found->second.serial};
}

bool PeerConnectionTable::expire(const ConnectionId& id) {
  const Entry* entry = find(id);
  if (entry == nullptr || entry->worker) return false;
  entries_.erase(id.number);
  return true;
}

std::optional<unsigned> PeerConnectionTable::end(const ConnectionId& id) {
  const Entry* entry = find(id);
  if (entry == nullptr) return std::nullopt;
  const auto worker = entry->worker;
  entries_.erase(id.number);
  return worker;
}

} // namespace turnd
