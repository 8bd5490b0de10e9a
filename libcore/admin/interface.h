// Both ways into a running daemon: the Unix socket for commands and the HTTP address. They have
// threads of their own. Neither is anything that clients need: what can't be opened is said in the
// log, and the daemon serves all the same.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "libcore/admin/commands.h"
#include "libcore/admin/content.h"
#include "libcore/admin/endpoints.h"
#include "libcore/admin/http_server.h"
#include "libcore/admin/server.h"
#include "libcore/config/admin.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"

namespace admin {

class Interface {
 public:
  // Borrows content, commands and log; adds the command "status".
  static std::unique_ptr<Interface> open(const config::Admin& settings, Content& content,
                                         Commands& commands, logging::Logger& log);
  ~Interface(); // nobody is answered any more when it returns
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  // Of the HTTP server, with the port that it has got.
  const std::optional<core::SocketAddress>& address() const { return address_; }

 private:
  Interface(Content& content, Commands& commands, logging::Logger& log);
  void open_http(const core::SocketAddress& address);
  void open_socket(const std::string& path);

  logging::Logger& log_;
  const Commands& commands_;
  ContentInTurn content_;
  Endpoints endpoints_;
  std::optional<core::SocketAddress> address_;
  event::Loop loop_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Server> socket_;
  std::thread thread_; // of the loop; last: it uses all of the above
};

} // namespace admin
