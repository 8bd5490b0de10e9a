// One worker's connections to all backends: those that serve, and those that are kept for the next
// exchange. A kept connection is used last in, first out, so that those which aren't needed age.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "libcore/event/socket.h"
#include "libcore/tls/client_context.h"
#include "rproxyd/shell/backend_connection.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

class BackendConnections final : public ConnectionKeeper {
 public:
  static constexpr std::size_t kMaxKeptPerBackend = 256;

  static core::Result<std::unique_ptr<BackendConnections>> make(event::Loop& loop,
                                                                event::StreamBuffers& buffers,
                                                                const Service& service);

  // A link for `user`, kept or new; link_open(), link_stale() or link_failed() follows, never from
  // inside. The connection is borrowed until it is released, aborted, or has failed. nullptr: there
  // is none, and none of these follows.
  BackendConnection* connect(std::size_t pool, BackendId backend, bool fresh, LinkUser& user,
                             event::ConnectFailure& why);

  void close_kept();

 private:
  struct Place {
    std::shared_ptr<const Backend> backend; // that these connections lead to
    std::vector<BackendConnection*> kept;
  };

  BackendConnections(event::Loop& loop, event::StreamBuffers& buffers, const Service& service)
      : loop_(loop), buffers_(buffers), service_(service) {}
  Place& place_of(std::size_t pool, BackendId backend);
  void keep(BackendConnection& connection) override;
  void discard(BackendConnection& connection) override;

  event::Loop& loop_;
  event::StreamBuffers& buffers_;
  const Service& service_;
  std::vector<std::unique_ptr<tls::ClientContext>> tls_; // a pool each
  std::vector<std::vector<Place>> places_;               // [pool][BackendId]
  std::unordered_map<BackendConnection*, std::unique_ptr<BackendConnection>> all_;
};

} // namespace rproxyd
