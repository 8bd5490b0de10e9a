// Both ways into a running daemon: the Unix socket for commands and the HTTP address. They have
// threads of their own. Neither is anything that clients need: what can't be opened at the start is
// said in the log, and the daemon serves all the same.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "libcore/admin/access.h"
#include "libcore/admin/commands.h"
#include "libcore/admin/content.h"
#include "libcore/admin/endpoints.h"
#include "libcore/admin/http_server.h"
#include "libcore/admin/server.h"
#include "libcore/config/admin.h"
#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"

namespace admin {

class Interface final : private event::DeadlineHandler {
 public:
  // What a process has that takes over from another one.
  struct Inherited {
    bool replaces;  // the other one's Unix socket
    event::Fd http; // listens; empty: a socket is opened
  };
  // Borrows content, commands and log; adds the command "status".
  static std::unique_ptr<Interface> open(const config::Admin& settings, Content& content,
                                         Commands& commands, logging::Logger& log,
                                         Inherited inherited = {false, event::Fd()});
  ~Interface(); // nobody is answered any more when it returns
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  // Of the HTTP server, with the port that it has got.
  std::optional<core::SocketAddress> address() const;

  // For a process that takes over from this one, on any thread but admin's own: a copy of the HTTP
  // server's socket; empty: there is none. After hand_over() nobody connects here any more.
  event::Fd http_socket();
  void hand_over();

  // A reload, in its two steps: what could fail is made, then put in the place of what was. An
  // address and a socket that stay the same stay open, and one that couldn't be opened before is
  // tried again, but refuses no reload. Called on one thread, not admin's own.
  class Change {
   private:
    friend class Interface;
    config::Admin asked_;    // as configured
    config::Admin settings_; // as it will be
    event::Fd socket_;       // when the address is another
    std::shared_ptr<const tls::ServerContext> tls_;
    std::unique_ptr<Server> server_; // when the socket is another
  };
  core::Result<Change> prepare(const config::Admin& settings) const;
  void apply(Change change);

 private:
  Interface(Content& content, Commands& commands, logging::Logger& log);
  core::Result<Change> open_http(const config::Admin& settings, event::Fd inherited) const;
  core::Result<std::unique_ptr<Server>> open_socket(const std::optional<std::string>& path,
                                                    bool replaces) const;
  void serve_http(Change& change);
  void on_deadline(int kind) override;
  void note_wrong_token(const Visitor& visitor, const core::Now& now);

  logging::Logger& log_;
  const Commands& commands_;
  ContentInTurn content_;
  config::Admin asked_;    // as configured
  config::Admin settings_; // in force, with the port that the address has got
  std::unique_ptr<Server> socket_;

  // On the loop's thread, once it runs.
  Access access_;
  Endpoints endpoints_;
  event::Loop loop_;
  std::unique_ptr<HttpServer> http_;
  core::Deadline next_point_{static_cast<event::DeadlineHandler*>(this)};
  std::optional<core::TimePoint> wrong_token_said_;
  std::uint64_t wrong_tokens_ = 0; // since then
  std::thread thread_;             // of the loop; last: it uses all of the above
};

} // namespace admin
