// A listener that is open: as it is configured, and what its clients see. All workers share it; a reload
// puts another one in its place that has the same sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "libcore/base/address.h"
#include "libcore/event/fd.h"
#include "libcore/tls/server_context.h"
#include "turnd/relay/take_over.h"
#include "turnd/settings/settings.h"

namespace turnd {

// Of a listener for datagrams that is out of service: clients reach their allocations through it until
// these have ended. Its sockets go when no worker has a client on it, and together, since the kernel
// deals clients out by how many sockets there are.
class Departure {
 public:
  explicit Departure(unsigned sockets) : occupied_(sockets) {}

  // Of one socket, whose worker has no client there and will have none.
  void emptied() { occupied_.fetch_sub(1); }
  bool is_over() const { return occupied_.load() == 0; }
  // The listener is wanted again. False: it is over.
  bool call_off() {
    unsigned occupied = occupied_.load();
    while (occupied != 0 && !occupied_.compare_exchange_weak(occupied, occupied + kCalledOff)) {
    }
    return occupied != 0;
  }

 private:
  static constexpr unsigned kCalledOff = 1U << 16; // more than there are sockets
  std::atomic<unsigned> occupied_;
};

struct Listener {
  std::uint64_t id = 0; // of its sockets
  unsigned datagram_sockets =
      0; // how many there are: one a worker, or as many as another process had
  Settings::Listener settings;
  core::SocketAddress bound;
  std::shared_ptr<const tls::ServerContext> tls; // nullptr: without
  std::shared_ptr<Departure> departure;          // begins when the listener isn't among the others
};

// One worker's.
struct ListenerSocket {
  std::shared_ptr<const Listener> listener;
  event::Fd socket;                 // empty: the worker has what it has already
  std::optional<LinkNumber> link{}; // what the process that it comes from calls it
};

// One is bound to all addresses, the other one to one of them, on the same port.
inline bool overlap(const core::SocketAddress& a, const core::SocketAddress& b) {
  return a.family() == b.family() && a.port() == b.port() &&
         a.ip().is_unspecified() != b.ip().is_unspecified();
}

constexpr bool is_over_tcp(Settings::Transport transport) {
  return transport == Settings::Transport::tcp || transport == Settings::Transport::tls;
}

} // namespace turnd
