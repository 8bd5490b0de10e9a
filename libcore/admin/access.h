// Who may ask, and from where a browser may have been told to. The address is open to whoever reaches
// it only on loopback and without a token; even there no web page of somebody else's gets at it:
//
//   DNS rebinding   a name that isn't ours in Host is refused, unless a token or session is shown
//   CSRF            what changes anything must come from this origin itself: Origin and
//                   Sec-Fetch-Site, where a browser sends them, must say so
//   sessions        a cookie that scripts can't read, which no other site's request carries
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "libcore/admin/attempts.h"
#include "libcore/admin/http_request.h"
#include "libcore/admin/sessions.h"
#include "libcore/base/address.h"
#include "libcore/config/admin.h"

namespace admin {

struct Visitor {
  core::SocketAddress address;
  bool certified = false; // has shown a certificate of admin.tls.client_ca_file
};

enum class Entry : std::uint8_t {
  granted,
  unknown, // has shown nothing, or a session that is over
  wrong_token,
  too_many,     // wrong tokens from there
  foreign_host, // Host names somebody else
};

class Access {
 public:
  explicit Access(config::Admin rules) : rules_(std::move(rules)) {}

  // Sessions end when the token changes.
  void set_rules(config::Admin rules);

  Entry enter(const HttpRequest& request, const Visitor& visitor, core::TimePoint now);
  // A request that changes something was made by a page of this origin, or by no browser.
  bool is_of_this_origin(const HttpRequest& request) const;
  bool may_command() const { return !rules_.read_only; }
  bool has_session(const HttpRequest& request) const { return !session_of(request).empty(); }
  bool takes_tokens() const { return !rules_.token.empty(); }

  // The value of a Set-Cookie field; or why not.
  std::expected<std::string, Entry> sign_in(std::string_view token, const Visitor& visitor,
                                            core::TimePoint now);
  std::string sign_out(const HttpRequest& request);

 private:
  Entry try_token(std::string_view token, const Visitor& visitor, core::TimePoint now);
  bool is_our_host(std::string_view host) const;
  std::string cookie_name() const;
  std::string cookie(std::string_view value, std::string_view lifetime) const;
  std::string_view session_of(const HttpRequest& request) const;

  config::Admin rules_;
  Sessions sessions_;
  Attempts attempts_;
};

} // namespace admin
