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
#include "libcore/tls/client_context.h"
#include "rproxyd/shell/backend_connection.h"
#include "rproxyd/shell/h2_backend_connection.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

class BackendConnections final : public ConnectionKeeper, public SharedConnectionKeeper {
 public:
  static constexpr std::size_t kMaxKeptPerBackend = 256;
  static constexpr std::size_t kMaxSharedPerBackend = 256;
  // How long it is believed that a node doesn't speak HTTP/2.
  static constexpr core::Duration kVersionMemory = std::chrono::minutes(10);

  static core::Result<std::unique_ptr<BackendConnections>> make(event::Loop& loop,
                                                                event::StreamBuffers& buffers,
                                                                const Service& service);

  // A link for `user`; link_open(), link_stale(), link_moved() or link_failed() follows, never from
  // inside. The request is borrowed until it or its link is cancelled, released, aborted, or one of the
  // latter three has come. nullptr: there is none, and none of these follows.
  LinkRequest* connect(std::size_t pool, BackendId backend, LinkNeed need, LinkUser& user,
                       event::ConnectFailure& why);

  void close_kept();

 private:
  struct Place {
    std::shared_ptr<const Backend> backend; // that these connections lead to
    std::vector<BackendConnection*> kept;
    std::vector<H2BackendConnection*> shared;
    core::TimePoint http_1_until{};     // it did not offer HTTP/2
    core::TimePoint no_tunnels_until{}; // or none of these
  };

  BackendConnections(event::Loop& loop, event::StreamBuffers& buffers, const Service& service)
      : loop_(loop), buffers_(buffers), service_(service) {}
  Place& place_of(std::size_t pool, BackendId backend);
  bool speaks_h2(std::size_t pool, const Place& place, LinkNeed need) const;
  LinkRequest* connect_alone(Place& place, const BackendHome& home, LinkUser& user,
                             event::ConnectFailure& why);
  LinkRequest* connect_shared(Place& place, const BackendHome& home, LinkNeed need, LinkUser& user,
                              event::ConnectFailure& why);
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
  const Service& service_;
  std::vector<std::unique_ptr<tls::ClientContext>> tls_; // a pool each
  std::vector<std::vector<Place>> places_;               // [pool][BackendId]
  std::unordered_map<BackendConnection*, std::unique_ptr<BackendConnection>> all_;
  std::unordered_map<H2BackendConnection*, std::unique_ptr<H2BackendConnection>> all_shared_;
};

} // namespace rproxyd
