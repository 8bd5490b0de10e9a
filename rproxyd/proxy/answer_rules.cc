#include "rproxyd/proxy/answer_rules.h"

#include <fmt/format.h>

#include <utility>

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

namespace {
constexpr std::string_view kReference = "{{reference}}";
} // namespace

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

LocalAnswer error_answer(const AnswerRules& rules, std::uint16_t status, std::string_view text,
                         std::string_view reference) {
  const auto page = rules.error_pages.find(status);
  if (page == rules.error_pages.end()) {
    if (reference.empty()) return error_answer(status, text);
    return error_answer(status, fmt::format("{}\nReference: {}", text, reference));
  }
  std::string body = page->second.body;
  for (auto at = body.find(kReference); at != std::string::npos;
       at = body.find(kReference, at + reference.size())) {
    body.replace(at, kReference.size(), reference);
  }
  auto answer = local_answer(status, page->second.content_type, std::move(body));
  answer.head.fields.add("cache-control", "no-store");
  return answer;
}

} // namespace rproxyd
