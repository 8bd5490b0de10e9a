#include "rproxyd/settings/answer_headers.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/config/parsers.h"
#include "rproxyd/settings/header_text.h"

namespace rproxyd {
namespace {

using config::Value;

std::optional<Settings::ContentSecurityPolicy> content_security_policy(const Value& value);
std::optional<std::optional<std::string>> hsts(const Value& value);
std::optional<Settings::ServerHeader> server_header(const Value& value);
void read_error_pages(const Value& value, std::map<unsigned, std::string>& pages);

} // namespace

static config::Written written(const config::Shape& /*shape*/,
                               const Settings::ContentSecurityPolicy& policy) {
  using Kind = Settings::ContentSecurityPolicy::Kind;
  return config::quoted_json(policy.kind == Kind::off        ? "off"
                             : policy.kind == Kind::standard ? "default"
                                                             : policy.own);
}

static config::Written written(const config::Shape& /*shape*/,
                               const Settings::ServerHeader& header) {
  using Kind = Settings::ServerHeader::Kind;
  return config::quoted_json(header.kind == Kind::pass     ? "pass"
                             : header.kind == Kind::remove ? "remove"
                                                           : header.own);
}

void read_answer_headers(config::ObjectReader& root, Settings& settings) {
  root.read("content_security_policy", settings.content_security_policy, content_security_policy);
  root.read("hsts", settings.hsts, hsts);
  root.read("server_header", settings.server_header, server_header);
  if (const auto pages = root.find("error_pages")) read_error_pages(*pages, settings.error_pages);
}

namespace {

std::optional<Settings::ContentSecurityPolicy> content_security_policy(const Value& value) {
  using Policy = Settings::ContentSecurityPolicy;
  const auto text = config::text_or_word(value, {"off", "default"});
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
  auto own = header_value(value);
  if (!own) return std::nullopt;
  return Policy{Policy::Kind::own, *std::move(own)};
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
  auto text = config::text_or_word(value, {"off"});
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

std::optional<Settings::ServerHeader> server_header(const Value& value) {
  using Kind = Settings::ServerHeader::Kind;
  auto text = header_value(value);
  if (config::Shape* shape = value.asked()) shape->words = {"pass", "remove"};
  if (!text) return std::nullopt;
  if (*text == "pass") return Settings::ServerHeader{Kind::pass, ""};
  if (*text == "remove") return Settings::ServerHeader{Kind::remove, ""};
  return Settings::ServerHeader{Kind::own, *std::move(text)};
}

void read_error_pages(const Value& value, std::map<unsigned, std::string>& pages) {
  // What the proxy answers by itself.
  constexpr std::array<std::string_view, 12> kOnes{"400", "403", "404", "405", "408", "413",
                                                   "429", "500", "502", "503", "504", "50x"};
  config::ObjectReader object(value);
  std::string page;
  if (object.read("50x", page, config::path)) {
    for (const unsigned status : {500U, 502U, 503U, 504U}) pages[status] = page;
  }
  for (const std::string_view one : kOnes) {
    if (one == "50x" || !object.read(one, page, config::path)) continue;
    pages[static_cast<unsigned>(std::stoi(std::string(one)))] = page;
  }
  object.finish();
}

} // namespace
} // namespace rproxyd
