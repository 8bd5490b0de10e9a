// What the proxy adds to answers, and what it says where it answers itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"
#include "rproxyd/proxy/local_answer.h"

namespace rproxyd {

// The Content-Security-Policy that the appliance sends where its node sent none.
extern const std::string_view kStandardContentSecurityPolicy;

struct ErrorPage {
  std::string content_type;
  std::string body;
};

struct AnswerRules {
  enum class ServerField : std::uint8_t { pass, remove, replace };

  std::string content_security_policy; // empty: none is added
  std::string hsts;                    // empty: none is added
  ServerField server_field = ServerField::pass;
  std::string server;                                  // with ServerField::replace
  std::map<std::uint16_t, ErrorPage> error_pages = {}; // by status
};

inline const AnswerRules kPlainAnswers{};

// Brings the head of a final answer, a node's or our own, into the form that clients get. `secure`:
// over TLS; Strict-Transport-Security is for that alone (RFC 6797 section 7.2).
// `date` is in the form of http_date().
void finish_head(ResponseHead& head, const AnswerRules& rules, bool secure, std::string_view date);

// The error page for the status, or lines of text. `reference`: the request's id, for the person who
// sees it; a page shows it where it says {{reference}}.
LocalAnswer error_answer(const AnswerRules& rules, std::uint16_t status, std::string_view text,
                         std::string_view reference = {});

} // namespace rproxyd
