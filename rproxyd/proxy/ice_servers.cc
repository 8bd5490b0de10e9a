#include "rproxyd/proxy/ice_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <random>

#include "libcore/stun/time_limited.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

// A conference's alias, for instance, as it was sent. Nothing that a server might read as a way out of
// the segment.
bool is_plain_segment(std::string_view segment) {
  constexpr std::string_view kMarks = "-._~@+:,!$&'()";
  const auto plain = [&](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || kMarks.contains(c);
  };
  return !segment.empty() && segment != "." && segment != ".." &&
         std::ranges::all_of(segment, plain);
}

// By weight, none twice: what comes first is what a client tries first.
std::vector<const IceServers::Server*> drawn(const IceServers& rules, const WebSocketNonce& nonce) {
  std::seed_seq seed(nonce.begin(), nonce.end());
  std::mt19937 random(seed);
  std::vector<const IceServers::Server*> left;
  left.reserve(rules.servers.size());
  for (const auto& server : rules.servers) left.push_back(&server);
  std::vector<const IceServers::Server*> chosen;
  while (!left.empty() && chosen.size() < rules.most) {
    const unsigned all = std::accumulate(
        left.begin(), left.end(), 0U,
        [](unsigned sum, const IceServers::Server* each) { return sum + each->weight; });
    unsigned at = std::uniform_int_distribution<unsigned>(0, all - 1)(random);
    auto found = left.begin();
    for (; at >= (*found)->weight; ++found) at -= (*found)->weight;
    chosen.push_back(*found);
    left.erase(found);
  }
  return chosen;
}

// A request's id may be a trusted proxy's own: what of it can stand in a user name and in JSON.
std::string plain_name(std::string_view whom) {
  std::string name;
  for (const char c : whom) {
    if (is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-') name += c;
  }
  return name;
}

} // namespace

std::optional<std::string> sign_in_target(const IceServers& rules, std::string_view path,
                                          std::string_view target) {
  const auto star = rules.check.find('*');
  if (star == std::string::npos) return rules.check;
  target = target.substr(0, target.find('?'));
  if (!target.starts_with(path)) return std::nullopt;
  std::string_view segment = target.substr(path.size());
  if (!path.ends_with('/')) {
    if (!segment.starts_with('/')) return std::nullopt;
    segment.remove_prefix(1);
  }
  if (!is_plain_segment(segment)) return std::nullopt;
  return rules.check.substr(0, star) + std::string(segment) + rules.check.substr(star + 1);
}

void make_sign_in_request(RequestHead& request, std::string target) {
  // "token" is the conferencing platform's own header.
  constexpr std::array<std::string_view, 5> kKept{"authorization", "cookie", "token", "user-agent",
                                                  "x-forwarded-for"};
  request.method = "GET";
  request.target = std::move(target);
  request.upgrade.clear();
  request.fields.remove_if(
      [&](const Field& field) { return std::ranges::find(kKept, field.name) == kKept.end(); });
  request.fields.add("accept", "*/*");
}

LocalAnswer ice_servers_answer(const IceServers& rules, std::string_view whom,
                               const WebSocketNonce& nonce, core::WallTime now) {
  const auto ttl = std::chrono::duration_cast<std::chrono::seconds>(rules.ttl);
  const auto expiry = (now + ttl).time_since_epoch().count();
  const std::string user = fmt::format("{}:{}", expiry, plain_name(whom));
  const core::Secret password = stun::time_limited_password(rules.secret, user);
  std::string list;
  for (const IceServers::Server* server : drawn(rules, nonce)) {
    if (!list.empty()) list += ',';
    list += fmt::format(R"({{"urls":["{}"],"username":"{}","credential":"{}"}})",
                        fmt::join(server->urls, R"(",")"), user, password.reveal());
  }
  auto answer = local_answer(200, "application/json",
                             fmt::format(R"({{"iceServers":[{}],"ttl":{}}})", list, ttl.count()));
  answer.head.fields.add("cache-control", "no-store");
  return answer;
}

LocalAnswer preflight_answer() {
  LocalAnswer answer;
  answer.head.status = 204;
  answer.head.fields.add("access-control-allow-methods", "GET");
  answer.head.fields.add("access-control-allow-headers", "authorization, token");
  answer.head.fields.add("access-control-max-age", "600");
  return answer;
}

void add_cors(const IceServers& rules, std::string_view origin, ResponseHead& head) {
  if (rules.origins.empty()) return;
  head.fields.add("vary", "origin");
  if (std::ranges::find(rules.origins, origin) == rules.origins.end()) return;
  head.fields.add("access-control-allow-origin", origin);
  head.fields.add("access-control-allow-credentials", "true");
}

} // namespace rproxyd
