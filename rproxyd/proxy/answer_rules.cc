#include "rproxyd/proxy/answer_rules.h"

#include "rproxyd/http/forwarding.h"

namespace rproxyd {

const std::string_view kStandardContentSecurityPolicy =
    "default-src 'self'; "
    "frame-src 'self' "
    "https://telemetryservice.firstpartyapps.oaspapps.com/telemetryservice/telemetryproxy.html "
    "https://*.microsoft.com https://*.office.com; "
    "style-src 'self' 'unsafe-inline' https://*.microsoft.com https://*.office.com; "
    "object-src 'self'; "
    "font-src 'self' https://*.microsoft.com https://*.office.com; "
    "img-src 'self' https://www.adobe.com data: blob:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' https://*.microsoft.com https://*.office.com "
    "https://ajax.aspnetcdn.com https://api.keen.io; "
    "media-src 'self' blob:; "
    "connect-src 'self' https://*.microsoft.com https://*.office.com https://example.com;";

void finish_head(ResponseHead& head, const AnswerRules& rules, bool secure, std::string_view date) {
  prepare_for_client(head, date);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !head.fields.find(name)) head.fields.add(name, value);
  };
  // A 304 brings a stored answer up to date (RFC 9111 section 4.3.4): what is added here would
  // take the place of the policy that its node sent with it.
  const bool is_page = head.status != 304 && head.status != 101;
  if (is_page) add("content-security-policy", rules.content_security_policy);
  if (secure) add("strict-transport-security", rules.hsts);
  if (rules.server_field != AnswerRules::ServerField::pass) {
    head.fields.remove("server");
    add("server", rules.server);
  }
}

LocalAnswer error_answer(const AnswerRules& rules, std::uint16_t status, std::string_view text) {
  const auto page = rules.error_pages.find(status);
  if (page == rules.error_pages.end()) return error_answer(status, text);
  auto answer = local_answer(status, page->second.content_type, page->second.body);
  answer.head.fields.add("cache-control", "no-store");
  return answer;
}

} // namespace rproxyd
