// Connections that a proxy opened and that begin with a PROXY header: each waits here until its header
// has come, and is then handed on with the header taken off and nothing else read, so that TLS or
// whatever was proxied starts with the next byte.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "libcore/base/address.h"
#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "libcore/proxy_protocol/header.h"

namespace event {

class ProxyHeaders {
 public:
  // A proxy sends its header at once, in its first segment.
  static constexpr core::Duration kWait = std::chrono::seconds(5);

  using Arrived =
      std::move_only_function<void(Fd, const core::SocketAddress& proxy,
                                   const std::optional<proxy_protocol::Endpoints>& endpoints)>;
  // The connection is closed; `why` is part of a sentence.
  using Failed =
      std::move_only_function<void(const core::SocketAddress& proxy, std::string_view why)>;

  ProxyHeaders(Loop& loop, Arrived arrived, Failed failed);
  ~ProxyHeaders(); // closes what waits
  ProxyHeaders(const ProxyHeaders&) = delete;
  ProxyHeaders& operator=(const ProxyHeaders&) = delete;

  // The caller limits how many wait.
  void expect(Fd fd, const core::SocketAddress& proxy);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  class Connection;
  void read(Connection& connection, Readiness readiness);
  void fail(Connection& connection, std::string_view why);
  std::unique_ptr<Connection> take(Connection& connection);

  Loop& loop_;
  Arrived arrived_;
  Failed failed_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> waiting_;
};

} // namespace event
