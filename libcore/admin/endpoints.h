// What each path of the admin address answers, to whom.
//
//   GET  /healthz /readyz    for whoever starts and balances
//   GET  /metrics            for Prometheus
//   GET  /status             JSON; ?points=N: so many points of history, all of them without it
//   GET  /                   the page for people, or the form where they sign in
//   POST /command            a command of kCommands, JSON there and back, as over the Unix socket
//   POST /sign-in /sign-out  the page's
#pragma once

#include <array>
#include <functional>

#include "libcore/admin/access.h"
#include "libcore/admin/commands.h"
#include "libcore/admin/content.h"
#include "libcore/admin/history.h"
#include "libcore/admin/http_answer.h"
#include "libcore/admin/http_request.h"

namespace admin {

class Endpoints {
 public:
  // What HTTP passes on; everything else takes the Unix socket.
  static constexpr std::array<std::string_view, 3> kCommands{"bans", "sessions", "log"};

  using Refused = std::function<void(const Visitor&, const core::Now&)>; // a wrong token

  // Borrows all.
  Endpoints(Content& content, const Commands& commands, Access& access, Refused refused)
      : content_(content), commands_(commands), access_(access), refused_(std::move(refused)) {}

  HttpAnswer answer(const HttpRequest& request, const Visitor& visitor, const core::Now& now);
  void remember(core::WallTime at) { history_.add(at, content_.status()); }

 private:
  HttpAnswer read(const HttpRequest& request);
  HttpAnswer change(const HttpRequest& request);
  HttpAnswer carry_out(const HttpRequest& request);
  HttpAnswer status(const HttpRequest& request);
  HttpAnswer sign_in(const HttpRequest& request, const Visitor& visitor, const core::Now& now);
  HttpAnswer refuse(Entry entry, const HttpRequest& request, const Visitor& visitor,
                    const core::Now& now);

  Content& content_;
  const Commands& commands_;
  Access& access_;
  const Refused refused_;
  History history_;
};

} // namespace admin
