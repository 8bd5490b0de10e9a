#include "turnd/shell/shared_peer_connections.h"

#include <utility>

namespace turnd {

event::Fd SharedPeerConnections::adopt(const ConnectionId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = sockets_.find(id.serial);
  if (found == sockets_.end()) return {};
  event::Fd fd = std::move(found->second);
  sockets_.erase(found);
  return fd;
}

void SharedPeerConnections::end(const ConnectionId& id) {
  const std::lock_guard lock(mutex_);
  table_.end(id);
  sockets_.erase(id.serial);
}

bool WorkerPeerConnections::hold(const ConnectionId& id, const ConnectionOwner& owner) {
  const std::lock_guard lock(shared_.mutex_);
  if (!shared_.table_.hold(id, owner)) return false;
  shared_.sockets_[id.serial] = std::move(offered_);
  return true;
}

std::optional<ConnectionOwner> WorkerPeerConnections::owner(ConnectionNumber number) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.owner(number);
}

std::optional<ConnectionId> WorkerPeerConnections::bind(ConnectionNumber number, unsigned worker) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.bind(number, worker);
}

bool WorkerPeerConnections::expire(const ConnectionId& id) {
  const std::lock_guard lock(shared_.mutex_);
  if (!shared_.table_.expire(id)) return false;
  shared_.sockets_.erase(id.serial);
  return true;
}

std::optional<unsigned> WorkerPeerConnections::end(const ConnectionId& id) {
  const std::lock_guard lock(shared_.mutex_);
  shared_.sockets_.erase(id.serial);
  return shared_.table_.end(id);
}

bool WorkerPeerConnections::exists(const ConnectionId& id) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.exists(id);
}

bool WorkerPeerConnections::has_room() {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.has_room();
}

} // namespace turnd
