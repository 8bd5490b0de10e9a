// The relay sockets of a worker: one for each relayed transport address, towards the peers.
#pragma once

#include <memory>
#include <vector>

#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "turnd/relay/decision.h"
#include "turnd/relay/types.h"

namespace turnd {

class StandingFields;
class Worker;

class RelaySockets {
 public:
  // Datagrams of one peer's burst taken before other sockets get their turn.
  static constexpr std::size_t kDatagramsPerTurn = 16;

  explicit RelaySockets(Worker& worker);
  ~RelaySockets();
  RelaySockets(const RelaySockets&) = delete;
  RelaySockets& operator=(const RelaySockets&) = delete;

  bool open(const OpenRelay& command); // false: the address can't be had
  // A socket that comes from another worker. False: the loop can't watch it, and it is closed.
  bool adopt(RelayId id, event::Fd fd);
  // The socket, for another to have; empty when it isn't open.
  event::Fd release(RelayId id);
  void close(RelayId id);
  int fd(RelayId id) const; // -1 when it isn't open
  // Where a datagram with these fields leaves, and which of them the socket gives it by itself.
  struct WayOut {
    int fd = -1; // when it isn't open
    IpFields standing;
  };
  WayOut way_out(RelayId id, core::Family family, const IpFields& ip);

  // Datagrams for which sockets had no room: of those in the places [first, last) of places(), and of
  // those that were closed.
  std::size_t places() const { return sockets_.size(); }
  std::uint64_t queue_drops(std::size_t first, std::size_t last) const;
  std::uint64_t queue_drops_of_closed() const { return queue_drops_of_closed_; }

 private:
  class Socket;
  bool watch(RelayId id, event::Fd fd, const StandingFields& standing);
  Socket* find(RelayId id) const;
  Worker& worker_;
  std::vector<std::unique_ptr<Socket>> sockets_; // by RelayId::index
  std::uint64_t queue_drops_of_closed_ = 0;
};

} // namespace turnd
