// The HTTP server of the admin address, on a loop of admin's own, so that no loop of the data path is
// touched. Few clients come, each with one request a connection; nobody who is slow, or who says
// nothing, keeps others out.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "libcore/admin/access.h"
#include "libcore/admin/http_answer.h"
#include "libcore/admin/http_request.h"
#include "libcore/base/address.h"
#include "libcore/event/acceptor.h"
#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "libcore/event/stream.h"

namespace admin {

class HttpServer {
 public:
  // With so many open, the one that has been there for longest makes way for a new one.
  static constexpr std::size_t kMaxConnections = 64;
  static constexpr core::Duration kRequestTime = std::chrono::seconds(10); // TLS and all
  static constexpr core::Duration kAnswerTime = std::chrono::seconds(30);  // to take it

  using Handler = std::function<HttpAnswer(const HttpRequest&, const Visitor&, const core::Now&)>;

  // `socket` listens; `tls` null: plain HTTP. Borrows the loop, on whose thread all but this happens.
  HttpServer(event::Loop& loop, event::Fd socket, std::shared_ptr<const tls::ServerContext> tls,
             Handler handler);
  ~HttpServer();
  event::Fd copy_of_socket() const { return acceptor_ ? acceptor_->copy() : event::Fd(); }
  void stop_accepting(); // closes the socket; those who are here are answered
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // For the connections that come from then on; null: plain.
  void set_tls(std::shared_ptr<const tls::ServerContext> tls) { tls_ = std::move(tls); }

 private:
  class Connection;

  void accepted(event::Fd fd, const core::SocketAddress& peer);
  void remove(const Connection& connection);

  event::Loop& loop_;
  std::shared_ptr<const tls::ServerContext> tls_;
  const Handler handler_;
  event::StreamBuffers buffers_;
  std::list<std::unique_ptr<Connection>> connections_; // the oldest first
  std::optional<event::Acceptor> acceptor_;
};

} // namespace admin
