// One worker's connections to all backends: those that serve, and those that are kept for the next
// exchange. A kept connection is used last in, first out, so that those which aren't needed age.
//
// To a pool of protocol h2, exchanges share connections: one more is made when none has room. Where a
// node turns out to speak HTTP/1.1 (ALPN), or to have no tunnels (RFC 8441), it is asked in HTTP/1.1
// for a while: for everything, or for its WebSockets.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "libcore/event/socket.h"
#include "libcore/log/log.h"
#include "libcore/tls/client_context.h"
#include "rproxyd/shell/backend_connection.h"
#include "rproxyd/shell/figures.h"
#include "rproxyd/shell/generation.h"
#include "rproxyd/shell/h2_backend_connection.h"

namespace rproxyd {

using ClientContexts = std::vector<std::unique_ptr<tls::ClientContext>>; // by Generation::pools

// One worker's, for a generation; null: the context that it has for the pool stays.
core::Result<ClientContexts> contexts_for(const Generation& generation, const Generation* former);

class BackendConnections final : public ConnectionKeeper, public SharedConnectionKeeper {
 public:
  static constexpr std::size_t kMaxKeptPerBackend = 256;
  static constexpr std::size_t kMaxSharedPerBackend = 256;
  // How long it is believed that a node doesn't speak HTTP/2.
  static constexpr core::Duration kVersionMemory = std::chrono::minutes(10);

  BackendConnections(event::Loop& loop, event::StreamBuffers& buffers, logging::Logger& log)
      : loop_(loop), buffers_(buffers), log_(log) {}

  // Another generation; contexts_for() has made `contexts` for it.
  void adopt(const std::shared_ptr<const Generation>& generation, ClientContexts contexts);

  // A link for `user`; link_open(), link_stale(), link_moved() or link_failed() follows, never from
  // inside. The request is borrowed until it or its link is cancelled, released, aborted, or one of the
  // latter three has come. nullptr: there is none, and none of these follows.
  LinkRequest* connect(const std::shared_ptr<SharedPool>& pool, BackendId backend, LinkNeed need,
                       LinkUser& user, event::ConnectFailure& why);

  void close_kept();

  std::vector<WorkerFigures::Kept> kept() const;

 private:
  struct Place {
    std::shared_ptr<const Backend> backend; // that these connections lead to
    std::vector<BackendConnection*> kept;
    std::vector<H2BackendConnection*> shared;
    core::TimePoint http_1_until{};     // it did not offer HTTP/2
    core::TimePoint no_tunnels_until{}; // or none of these
  };

  // A pool's; kept as long as a generation has the pool, wherever that is held.
  struct Places {
    std::weak_ptr<SharedPool> pool;
    std::unique_ptr<tls::ClientContext> tls;
    unsigned trust = 0;      // counts the contexts
    std::vector<Place> list; // by BackendId
  };

  Places& places_of(const std::shared_ptr<SharedPool>& pool);
  Place& place_of(const std::shared_ptr<SharedPool>& pool, BackendId backend);
  static BackendConnection* take_kept(Place& place, const BackendHome& home);
  bool serves(const SharedPool* pool) const;
  bool is_current(const BackendHome& home);
  bool speaks_h2(const Place& place, LinkNeed need) const;
  LinkRequest* connect_alone(Place& place, const BackendHome& home, LinkUser& user,
                             event::ConnectFailure& why);
  LinkRequest* connect_shared(Place& place, const BackendHome& home, LinkNeed need, LinkUser& user,
                              event::ConnectFailure& why);
  void forget(Places& places);
  void forget(Place& place);
  void keep(BackendConnection& connection) override;
  void idle(H2BackendConnection& connection) override;
  void discard(H2BackendConnection& connection) override;
  void speaks_http_1(H2BackendConnection& connection,
                     std::unique_ptr<event::Stream> stream) override;
  void has_no_tunnels(H2BackendConnection& connection) override;
  void discard(BackendConnection& connection) override;

  event::Loop& loop_;
  event::StreamBuffers& buffers_;
  logging::Logger& log_;
  std::shared_ptr<const Generation> generation_;
  std::unordered_map<const SharedPool*, Places> places_;
  std::unordered_map<BackendConnection*, std::unique_ptr<BackendConnection>> all_;
  std::unordered_map<H2BackendConnection*, std::unique_ptr<H2BackendConnection>> all_shared_;
};

} // namespace rproxyd
