#include "libcore/admin/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcore/base/bytes.h"

namespace admin {
namespace {

constexpr std::string_view kBearer = "Bearer ";

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

// "localhost:9442" -> "localhost", "[::1]:9442" -> "::1"
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

} // namespace

void Access::set_rules(config::Admin rules) {
  if (rules.token.reveal() != rules_.token.reveal()) sessions_.end_all();
  rules_ = std::move(rules);
}

Entry Access::enter(const HttpRequest& request, const Visitor& visitor, core::TimePoint now) {
  if (const auto shown = request.field("authorization"); shown.starts_with(kBearer))
    return try_token(shown.substr(kBearer.size()), visitor, now);
  if (const auto session = session_of(request); !session.empty() && sessions_.use(session, now))
    return Entry::granted;
  if (!is_our_host(request.field("host"))) return Entry::foreign_host;
  return visitor.certified || !rules_.is_closed() ? Entry::granted : Entry::unknown;
}

bool Access::is_of_this_origin(const HttpRequest& request) const {
  const auto site = request.field("sec-fetch-site");
  if (!site.empty() && site != "same-origin") return false;
  const auto origin = request.field("origin");
  if (origin.empty()) return true;
  return origin == fmt::format("{}://{}", rules_.tls ? "https" : "http", request.field("host"));
}

std::expected<std::string, Entry> Access::sign_in(std::string_view token, const Visitor& visitor,
                                                  core::TimePoint now) {
  if (const Entry entry = try_token(token, visitor, now); entry != Entry::granted)
    return std::unexpected(entry);
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(Sessions::kIdle);
  return cookie(sessions_.begin(now), fmt::format("{}", lifetime.count()));
}

std::string Access::sign_out(const HttpRequest& request) {
  sessions_.end(session_of(request));
  return cookie("", "0");
}

Entry Access::try_token(std::string_view token, const Visitor& visitor, core::TimePoint now) {
  const core::IpAddress from = visitor.address.ip().canonical();
  if (!attempts_.may_try(from, now)) return Entry::too_many;
  const auto right = core::bytes_of(rules_.token.reveal());
  if (!right.empty() && core::equal_in_constant_time(right, core::bytes_of(token)))
    return Entry::granted;
  attempts_.failed(from, now);
  return Entry::wrong_token;
}

// An address can't be rebound: whoever connected to it has named it.
bool Access::is_our_host(std::string_view host) const {
  const std::string name = lower(without_port(host));
  return name == "localhost" || core::IpAddress::parse(name) ||
         std::ranges::find(rules_.names, name) != rules_.names.end();
}

// Cookies know no ports, and two daemons may run on one machine.
std::string Access::cookie_name() const {
  return fmt::format("vestibule_{}", rules_.address ? rules_.address->port() : 0);
}

std::string Access::cookie(std::string_view value, std::string_view lifetime) const {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name(), value,
                     lifetime, rules_.tls ? "; Secure" : "");
}

std::string_view Access::session_of(const HttpRequest& request) const {
  const std::string wanted = cookie_name() + "=";
  std::string_view rest = request.field("cookie");
  while (!rest.empty()) {
    const auto end = rest.find("; ");
    const std::string_view pair = rest.substr(0, end);
    if (pair.starts_with(wanted)) return pair.substr(wanted.size());
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  }
  return {};
}

} // namespace admin
