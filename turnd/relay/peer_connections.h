// Connections with peers (RFC 6062), from their being made to their end. The client binds one with a
// connection of its own, which the kernel may deal to another worker than the one that has the
// allocation: the peer's socket waits here, unread, and whoever gets the ConnectionBind takes it. From
// then on its bytes stay with that worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "turnd/relay/stream_bandwidth.h"
#include "turnd/relay/types.h"

namespace turnd {

enum class ConnectionNumber : std::uint32_t {}; // CONNECTION-ID (RFC 6062 section 6.2.1)

// The serial tells a connection from an earlier one of the same number.
struct ConnectionId {
  ConnectionNumber number{};
  std::uint64_t serial = 0;

  friend bool operator==(const ConnectionId&, const ConnectionId&) = default;
};

// Whose it is.
struct ConnectionOwner {
  std::string username;
  stun::Key key;
  stun::PasswordAlgorithm algorithm{};
  std::shared_ptr<StreamBandwidth> bandwidth;
};

// What a server asks. Each worker has its own view of what all of them share.
class PeerConnections {
 public:
  static constexpr std::size_t kMax = 16384; // in all: each is an open socket

  // The worker's connection that has just been made waits for its ConnectionBind. False: the number
  // is in use, or there is no room.
  virtual bool hold(const ConnectionId& id, const ConnectionOwner& owner) = 0;
  // Of one that waits.
  virtual std::optional<ConnectionOwner> owner(ConnectionNumber number) = 0;
  // It waits no more: `worker` has it. nullopt: another was faster, or its time has passed.
  virtual std::optional<ConnectionId> bind(ConnectionNumber number, unsigned worker) = 0;
  // Closes it if it still waits; then true.
  virtual bool expire(const ConnectionId& id) = 0;
  // Forgets it, and closes it if it still waits; else, who has it.
  virtual std::optional<unsigned> end(const ConnectionId& id) = 0;
  // Neither ended nor expired.
  virtual bool exists(const ConnectionId& id) = 0;
  virtual bool has_room() = 0;

 protected:
  ~PeerConnections() = default;
};

// The book-keeping, without sockets, for one thread at a time.
class PeerConnectionTable final : public PeerConnections {
 public:
  ~PeerConnectionTable() = default;

  bool hold(const ConnectionId& id, const ConnectionOwner& owner) override;
  std::optional<ConnectionOwner> owner(ConnectionNumber number) override;
  std::optional<ConnectionId> bind(ConnectionNumber number, unsigned worker) override;
  bool expire(const ConnectionId& id) override;
  std::optional<unsigned> end(const ConnectionId& id) override;
  bool exists(const ConnectionId& id) override { return find(id) != nullptr; }
  bool has_room() override { return entries_.size() < kMax; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t serial = 0;
    ConnectionOwner owner;
    std::optional<unsigned> worker{}; // that has it; nullopt: it waits
  };
  Entry* find(const ConnectionId& id);

  std::unordered_map<ConnectionNumber, Entry> entries_;
};

} // namespace turnd
