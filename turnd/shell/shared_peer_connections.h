// The connections with peers of all workers (RFC 6062), and each worker's view of them. A socket lies
// here from its being connected to its ConnectionBind; what peers send meanwhile stays in the kernel.
#pragma once

#include <mutex>
#include <unordered_map>

#include "libcore/event/fd.h"
#include "turnd/relay/peer_connections.h"

namespace turnd {

class SharedPeerConnections {
 public:
  // The socket of a connection that was bound; empty when it has ended meanwhile. From any thread.
  event::Fd adopt(const ConnectionId& id);
  // A tunnel has ended. From any thread.
  void end(const ConnectionId& id);

 private:
  friend class WorkerPeerConnections;
  std::mutex mutex_; // over what follows
  PeerConnectionTable table_;
  std::unordered_map<std::uint64_t, event::Fd> sockets_; // by serial; none of those that are bound
};

class WorkerPeerConnections final : public PeerConnections {
 public:
  explicit WorkerPeerConnections(SharedPeerConnections& shared) : shared_(shared) {}
  virtual ~WorkerPeerConnections() = default;

  // What hold() will take: the socket of which the server is about to be told.
  void offer(event::Fd fd) { offered_ = std::move(fd); }
  void close_offered() { offered_.reset(); }

  bool hold(const ConnectionId& id, const ConnectionOwner& owner) override;
  std::optional<ConnectionOwner> owner(ConnectionNumber number) override;
  std::optional<ConnectionId> bind(ConnectionNumber number, unsigned worker) override;
  bool expire(const ConnectionId& id) override;
  std::optional<unsigned> end(const ConnectionId& id) override;
  bool exists(const ConnectionId& id) override;
  bool has_room() override;

 private:
  SharedPeerConnections& shared_;
  event::Fd offered_;
};

} // namespace turnd
