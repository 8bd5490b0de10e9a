// What an exchange's shell and its connection to a backend say to each other.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "libcore/proxy_protocol/header.h"
#include "rproxyd/proxy/exchange.h"
#include "rproxyd/shell/shared_pool.h"

namespace rproxyd {

// What a link is to be good for.
struct LinkNeed {
  bool fresh = false;  // on a new connection
  bool tunnel = false; // for a WebSocket
  // Whose requests it is for, where a PROXY header tells; nullopt: the proxy's own.
  std::optional<proxy_protocol::Endpoints> client = {};
};

// Where a connection leads: a backend, and its place in its pool.
struct BackendHome {
  std::shared_ptr<SharedPool> pool;
  BackendId backend{};
  std::shared_ptr<const Backend> leads_to;
  std::optional<proxy_protocol::Endpoints> client; // whom the PROXY header named, if there was one
  unsigned trust = 0; // which of the pool's TLS contexts the connection was made with
};

// Who uses a link; see Exchange. Who has cancelled, released or aborted is told nothing any more.
class LinkUser : public BackendEvents {
 public:
  virtual void link_open(BackendLink& link, bool reused) = 0;
  virtual void link_failed(std::string_view why) = 0;
  // A kept connection ended before link_open(): nothing was sent on it.
  virtual void link_stale() = 0;
  // The node speaks another version than this connection was made for: ask again.
  virtual void link_moved() = 0;
  virtual void link_broken(std::string_view why) = 0;
  virtual void link_drained() = 0;
};

// A link that has been asked for, until its end.
class LinkRequest {
 public:
  virtual void cancel() = 0; // the user wants nothing more

 protected:
  ~LinkRequest() = default;
};

} // namespace rproxyd
