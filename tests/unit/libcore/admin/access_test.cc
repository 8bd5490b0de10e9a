#include "libcore/admin/access.h"

#include <catch2/catch_test_macros.hpp>

using admin::Access;
using admin::Entry;
using admin::HttpRequest;
using namespace std::chrono_literals;

namespace {

constexpr core::TimePoint kStart{1h};
constexpr auto kToken = "0123456789abcdef";

config::Admin open_rules() {
  return {.address = core::SocketAddress::parse("127.0.0.1:9442"), .socket = {}};
}
config::Admin closed_rules() {
  config::Admin rules = open_rules();
  rules.token = core::Secret(kToken);
  return rules;
}

using Fields = std::vector<std::pair<std::string, std::string>>;
HttpRequest request(Fields fields) {
  return {.method = "GET", .path = "/status", .fields = std::move(fields)};
}
admin::Visitor visitor(bool certified = false) {
  return {.address = *core::SocketAddress::parse("127.0.0.1:40000"), .certified = certified};
}
Entry enter(Access& access, Fields fields) {
  return access.enter(request(std::move(fields)), visitor(), kStart);
}

} // namespace

TEST_CASE("on loopback whoever asks by a name of ours is let in, as DNS rebinding can't") {
  config::Admin rules = open_rules();
  rules.names = {"proxy.example.com"};
  Access access(rules);
  for (const auto* host : {"localhost:9442", "127.0.0.1:9442", "[::1]:9442", "LocalHost",
                           "10.0.0.1", "Proxy.example.com:9442"})
    CHECK(enter(access, {{"host", host}}) == Entry::granted);
  for (const auto* host : {"evil.example", "localhost.evil.example:9442", "", "127.0.0.1.nip.io",
                           "[::1", "proxy.example.com.evil.example"})
    CHECK(enter(access, {{"host", host}}) == Entry::foreign_host);
}

TEST_CASE("with a token nobody comes in without it") {
  Access access(closed_rules());
  CHECK(enter(access, {{"host", "localhost"}}) == Entry::unknown);
  CHECK(enter(access, {{"host", "a.example"}, {"authorization", "Bearer 0123456789abcdef"}}) ==
        Entry::granted);
  CHECK(enter(access, {{"host", "localhost"}, {"authorization", "Bearer 0123456789abcdeX"}}) ==
        Entry::wrong_token);
  CHECK(enter(access, {{"host", "localhost"}, {"authorization", "Bearer "}}) == Entry::wrong_token);
  CHECK(enter(access, {{"host", "localhost"}, {"authorization", "Basic 0123456789abcdef"}}) ==
        Entry::unknown);
}

TEST_CASE("without a token of ours no token is right") {
  Access access(open_rules());
  CHECK(enter(access, {{"host", "localhost"}, {"authorization", "Bearer "}}) == Entry::wrong_token);
}

TEST_CASE("after too many wrong tokens the right one is not tried either") {
  Access access(closed_rules());
  for (unsigned i = 0; i < admin::Attempts::kMost; ++i)
    CHECK_FALSE(access.sign_in("wrong", visitor(), kStart));
  CHECK(access.sign_in(kToken, visitor(), kStart).error() == Entry::too_many);
  CHECK(enter(access, {{"authorization", "Bearer 0123456789abcdef"}}) == Entry::too_many);
  CHECK(access.sign_in(kToken, visitor(), kStart + 60s));
}

TEST_CASE("a certificate of our authorities does instead of a token") {
  config::Admin rules = open_rules();
  rules.tls.emplace();
  rules.tls->client_ca_file = "ca.pem";
  Access access(rules);
  CHECK(access.enter(request({{"host", "localhost"}}), visitor(true), kStart) == Entry::granted);
  CHECK(access.enter(request({{"host", "localhost"}}), visitor(false), kStart) == Entry::unknown);
  CHECK(access.enter(request({{"host", "evil.example"}}), visitor(true), kStart) ==
        Entry::foreign_host);
}

TEST_CASE("a session is a cookie that no script and no other site gets") {
  Access access(closed_rules());
  const std::string cookie = *access.sign_in(kToken, visitor(), kStart);
  CHECK(cookie.starts_with("vestibule_9442="));
  CHECK(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
  const std::string pair = cookie.substr(0, cookie.find(';'));
  CHECK(enter(access, {{"cookie", pair}}) == Entry::granted);
  CHECK(enter(access, {{"cookie", "other=1; " + pair + "; more=2"}}) == Entry::granted);
  CHECK(enter(access, {{"host", "localhost"}, {"cookie", pair + "0"}}) == Entry::unknown);
  CHECK(enter(access, {{"host", "localhost"}, {"cookie", "x" + pair}}) == Entry::unknown);

  CHECK(access.sign_out(request({{"cookie", pair}})).starts_with("vestibule_9442=; "));
  CHECK(enter(access, {{"host", "localhost"}, {"cookie", pair}}) == Entry::unknown);
}

TEST_CASE("another token ends the sessions, other rules don't") {
  Access access(closed_rules());
  const std::string cookie = *access.sign_in(kToken, visitor(), kStart);
  const std::string pair = cookie.substr(0, cookie.find(';'));
  config::Admin rules = closed_rules();
  rules.read_only = true;
  access.set_rules(rules);
  CHECK(enter(access, {{"cookie", pair}}) == Entry::granted);
  rules.token = core::Secret("another token of ours");
  access.set_rules(rules);
  CHECK(enter(access, {{"host", "localhost"}, {"cookie", pair}}) == Entry::unknown);
}

TEST_CASE("over HTTPS the cookie stays on HTTPS, and so does the origin") {
  config::Admin rules = closed_rules();
  rules.tls.emplace();
  Access access(rules);
  CHECK(access.sign_in(kToken, visitor(), kStart)->ends_with("; Secure"));
  CHECK(access.is_of_this_origin(request({{"host", "a:1"}, {"origin", "https://a:1"}})));
  CHECK_FALSE(access.is_of_this_origin(request({{"host", "a:1"}, {"origin", "http://a:1"}})));
}

TEST_CASE("what another origin's page sends is told from our own, and from no browser") {
  const Access access(open_rules());
  CHECK(access.is_of_this_origin(request({{"host", "localhost:9442"}})));
  CHECK(access.is_of_this_origin(request({{"host", "localhost:9442"},
                                          {"origin", "http://localhost:9442"},
                                          {"sec-fetch-site", "same-origin"}})));
  for (const Fields& foreign :
       {Fields{{"host", "localhost:9442"}, {"origin", "http://localhost:8080"}},
        Fields{{"host", "localhost:9442"}, {"origin", "null"}},
        Fields{{"host", "localhost:9442"}, {"sec-fetch-site", "cross-site"}},
        Fields{{"host", "localhost:9442"}, {"sec-fetch-site", "same-site"}},
        Fields{{"host", "localhost:9442"}, {"sec-fetch-site", "none"}}})
    CHECK_FALSE(access.is_of_this_origin(request(foreign)));
}
