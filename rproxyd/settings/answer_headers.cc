#include "rproxyd/settings/answer_headers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "libcore/config/parsers.h"

namespace rproxyd {
namespace {

using config::Value;

std::optional<Settings::ContentSecurityPolicy> content_security_policy(const Value& value);
std::optional<std::optional<std::string>> hsts(const Value& value);

} // namespace

void read_answer_headers(config::ObjectReader& root, Settings& settings) {
  root.read("content_security_policy", settings.content_security_policy, content_security_policy);
  root.read("hsts", settings.hsts, hsts);
}

namespace {

bool is_header_text(const Value& value, std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) return true;
  value.refuse("is not the value of a header field", "ASCII alone");
  return false;
}

std::optional<Settings::ContentSecurityPolicy> content_security_policy(const Value& value) {
  using Policy = Settings::ContentSecurityPolicy;
  const auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (*text == "off") return Policy{Policy::Kind::off, ""};
  if (*text == "default") return Policy{Policy::Kind::standard, ""};
  // Directives that need no value; a single other word is a slip of the hand.
  constexpr std::array<std::string_view, 2> kAlone{"upgrade-insecure-requests", "sandbox"};
  if (!text->contains(' ') && std::ranges::find(kAlone, *text) == kAlone.end()) {
    value.refuse("is not a policy",
                 R"("off", "default" or directives, such as "default-src 'self'")");
    return std::nullopt;
  }
  if (!is_header_text(value, *text)) return std::nullopt;
  return Policy{Policy::Kind::own, *text};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// RFC 6797 section 6.1: max-age, and optionally includeSubDomains and preload.
bool is_hsts(std::string_view text) {
  bool has_max_age = false;
  for (std::string_view rest = text;;) {
    const auto end = rest.find(';');
    const auto directive = trimmed(rest.substr(0, end));
    if (directive.starts_with("max-age=")) {
      const auto digits = directive.substr(8);
      if (has_max_age || digits.empty() || digits.size() > 10 ||
          digits.find_first_not_of("0123456789") != std::string_view::npos) {
        return false;
      }
      has_max_age = true;
    } else if (directive != "includeSubDomains" && directive != "preload") {
      return false;
    }
    if (end == std::string_view::npos) return has_max_age;
    rest.remove_prefix(end + 1);
  }
}

std::optional<std::optional<std::string>> hsts(const Value& value) {
  auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (*text == "off") return std::optional<std::string>{};
  if (!is_hsts(*text)) {
    value.refuse("is not the value of Strict-Transport-Security",
                 "\"off\" or \"max-age=SECONDS\", with \"; includeSubDomains\" and \"; preload\" "
                 "if need be");
    return std::nullopt;
  }
  return text;
}

} // namespace
} // namespace rproxyd
