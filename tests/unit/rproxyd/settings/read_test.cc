#include "rproxyd/settings/read.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>

#include "tests/unit/rproxyd/settings/reading_members.h"

using namespace std::chrono_literals;
using rproxyd::Settings;

namespace {

// One listener with these members, besides its address.
Lines problems_with_listener(const std::string& members) {
  return problems_with({{"listeners", R"([{ "address": "127.0.0.1:1", )" + members + " }]"}});
}

const std::string kTls = R"("tls": { "certificates": ["/c.pem"] })";

} // namespace

TEST_CASE("what may be left out has its default") {
  const auto [settings, problems] = read({});
  CHECK(problems == Lines{});
  CHECK(settings.workers == 0);
  CHECK(settings.drain_timeout == 30s);
  CHECK(settings.listeners[0].tls->min_version == Settings::TlsVersion::tls1_2);
  CHECK(settings.paths == Settings::Paths::open);
  CHECK(settings.content_security_policy.kind == Settings::ContentSecurityPolicy::Kind::standard);
  CHECK_FALSE(settings.hsts);
  CHECK_FALSE(settings.pin_guard.enabled);
  CHECK(settings.pin_guard.max_failures == 5);
  CHECK(settings.pin_guard.find_time == 300s);
  CHECK(settings.pin_guard.ban_time == 300s);
  CHECK(settings.pin_guard.ignore.empty());
  CHECK_FALSE(settings.pin_guard.state);
  CHECK(settings.trusted_proxies.empty());
  CHECK(settings.limits.header_bytes == 64 * 1024);
  CHECK(settings.limits.header_count == 128);
  CHECK(settings.limits.body_bytes == config::kNoLimit);
  CHECK(settings.limits.connections == config::kNoLimit);
  CHECK(settings.limits.connections_per_client == config::kNoLimit);
  CHECK(settings.limits.streams_per_connection == 128);
  CHECK(settings.timeouts.stream_idle == 1h);
  CHECK(settings.log.level == logging::Level::info);
  CHECK_FALSE(settings.log.access);
  CHECK(settings.log.access_format == Settings::AccessFormat::pexip);
  CHECK(settings.admin.address->to_string() == "127.0.0.1:9442");
  CHECK(settings.admin.socket == "/run/vestibule/rproxyd.sock");
}

TEST_CASE("a root that is no object is one problem") {
  config::Problems problems;
  const GivenSurroundings surroundings;
  const auto document = config::Document::parse("/f", "true", problems);
  config::Reading reading{*document, surroundings, problems};
  rproxyd::read(config::Value::root(reading));
  CHECK(lines_of(problems) == Lines{"error: true is not an object; expected { … }"});
}

TEST_CASE("an unknown key is an error in every object") {
  const std::string unknown = R"("zzzzzzzz": 1)";
  for (const auto& [key, json] :
       Members{{"zzzzzzzz", "1"},
               {"listeners", R"([{ "address": "127.0.0.1:1", )" + kTls + ", " + unknown + " }]"},
               {"pools", pool_with(unknown)},
               {"routes", R"([{ "path": "/", "pool": "nodes", )" + unknown + " }]"},
               {"pin_guard", "{ " + unknown + " }"},
               {"pin_guard", "{ \"room\": { " + unknown + " } }"},
               {"limits", "{ " + unknown + " }"},
               {"timeouts", "{ " + unknown + " }"},
               {"log", "{ " + unknown + " }"},
               {"admin", "{ " + unknown + " }"}}) {
    const auto problems = problems_with({{key, json}});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].contains("unknown key \"zzzzzzzz\"; expected one of "));
  }
  for (const auto* inner : {"tls", "health", "retry"}) {
    const auto problems =
        problems_with({{"pools", pool_with('"' + std::string(inner) + "\": {" + unknown + "}")}});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].contains("unknown key \"zzzzzzzz\"; expected one of "));
  }
  CHECK(problems_with_listener(R"("tls": { "certificates": ["/c"], "min_versoin": "1.2" })") ==
        Lines{"error: /listeners/0/tls/min_versoin: unknown key \"min_versoin\" (did you mean "
              "\"min_version\"?)"});
}

TEST_CASE("there is at least one listener, and each has an address of its own") {
  CHECK(problems_with({{"listeners", ""}, {"routes", ""}, {"pools", ""}}) ==
        Lines{"error: \"listeners\" is missing"});
  CHECK(problems_with({{"listeners", "[]"}, {"routes", ""}, {"pools", ""}}) ==
        Lines{"error: /listeners: the list is empty; expected at least one listener"});
  CHECK(problems_with({{"listeners", "[{ " + kTls + " }]"}}) ==
        Lines{"error: /listeners/0: \"address\" is missing"});
  const std::string one = R"({ "address": "10.0.0.1:443", )" + kTls + " }";
  CHECK(problems_with({{"listeners", "[" + one + "," + one + "]"}}) ==
        Lines{"error: /listeners/1: 10.0.0.1:443 is taken by listener 0 already; expected another "
              "address or port"});
  const std::string any_port = R"({ "address": "10.0.0.1:0", )" + kTls + " }";
  CHECK(problems_with({{"listeners", "[" + any_port + "," + any_port + "]"}}) == Lines{});
}

TEST_CASE("listeners are accepted to the limit of their number, and refused one past it") {
  const std::string one = R"({ "address": "10.0.0.1:0", )" + kTls + " }";
  CHECK(problems_with({{"listeners", repeated(one, rproxyd::kMaxListeners)}}) == Lines{});
  CHECK(problems_with({{"listeners", repeated(one, rproxyd::kMaxListeners + 1)}}) ==
        Lines{"error: /listeners: the list has 65 elements; expected at most 64"});
}

TEST_CASE("TLS without certificates gets a self-signed one, and a warning") {
  const Lines warning{
      "warning: /listeners/0/tls: no certificates: a self-signed one is made, and "
      "clients will warn or refuse"};
  CHECK(problems_with_listener(R"("tls": {})") == warning);
  CHECK(problems_with_listener(R"("tls": { "certificates": [] })") == warning);
  CHECK(problems_with_listener(R"("tls": { "certificates": "/c.pem" })") ==
        Lines{"error: /listeners/0/tls/certificates: a string is not a list; expected [ … ]"});
}

TEST_CASE("TLS begins at 1.2 or 1.3") {
  const auto with = [](const std::string& version) {
    return read({{"listeners", R"([{ "address": "127.0.0.1:1", "tls": { "certificates": ["/c"],
                                     "min_version": ")" +
                                   version + R"(" } }])"}});
  };
  CHECK(with("1.2").settings.listeners[0].tls->min_version == Settings::TlsVersion::tls1_2);
  CHECK(with("1.3").settings.listeners[0].tls->min_version == Settings::TlsVersion::tls1_3);
  CHECK(with("1.1").problems == Lines{"error: /listeners/0/tls/min_version: \"1.1\" is unknown "
                                      "(did you mean \"1.2\"?); expected "
                                      "one of \"1.2\", \"1.3\""});
}

TEST_CASE(
    "certificates of a listener are accepted to the limit of their number, and refused past it") {
  const auto with = [](std::size_t count) {
    return problems_with_listener(R"("tls": { "certificates": )" + repeated("\"/c\"", count) +
                                  " }");
  };
  CHECK(with(rproxyd::kMaxCertificates) == Lines{});
  CHECK(
      with(rproxyd::kMaxCertificates + 1) ==
      Lines{"error: /listeners/0/tls/certificates: the list has 65 elements; expected at most 64"});
}

TEST_CASE("a listener that serves over plain HTTP is warned of") {
  CHECK(
      problems_with_listener(R"("tls": null)") ==
      Lines{
          "warning: /listeners/0: plain HTTP: what this listener serves can be read and changed on "
          "its way; expected \"tls\" or \"redirect_https\""});
}

TEST_CASE("a listener that redirects to https has no TLS itself") {
  CHECK(problems_with_listener(kTls + R"(, "redirect_https": true)") ==
        Lines{"error: /listeners/0/redirect_https: a listener with TLS would redirect to itself; "
              "expected this on plain HTTP only"});
}

TEST_CASE("ACME challenges are answered over plain HTTP (RFC 8555 section 8.3)") {
  const auto [settings, problems] =
      read({{"listeners", R"([{ "address": "0.0.0.0:80", "redirect_https": true,
                                "acme_challenges": "acme" }])"}});
  CHECK(problems == Lines{});
  CHECK(settings.listeners[0].acme_challenges == "/acme");
  CHECK(
      problems_with(
          {{"listeners", R"([{ "address": "0.0.0.0:443", "tls": { "certificates": ["/c"] },
                                           "acme_challenges": "/acme" }])"}}) ==
      Lines{"error: /listeners/0/acme_challenges: certificate authorities ask for challenges over "
            "plain HTTP; expected this on port 80"});
}

TEST_CASE("TURN shares a port with TLS only, and goes to an address with a port") {
  CHECK(problems_with_listener(R"("redirect_https": true, "turn": "10.0.0.2:3478")") ==
        Lines{"error: /listeners/0/turn: TURN shares a port with TLS only; expected \"tls\" beside "
              "it"});
  CHECK(problems_with_listener(kTls + R"(, "turn": "10.0.0.2:0")") ==
        Lines{"error: /listeners/0/turn: \"10.0.0.2:0\" has no port to connect to; expected a port "
              "from "
              "1 to 65535"});
}

TEST_CASE("PROXY headers need somebody who is trusted to send them") {
  const std::string listener =
      R"([{ "address": "127.0.0.1:1", "proxy_protocol": true, )" + kTls + " }]";
  CHECK(
      problems_with({{"listeners", listener}}) ==
      Lines{"error: /listeners/0/proxy_protocol: nobody is trusted to send PROXY headers; expected "
            "their senders in \"trusted_proxies\""});
  CHECK(problems_with({{"listeners", listener}, {"trusted_proxies", R"(["10.0.0.1"])"}}) ==
        Lines{});
}

TEST_CASE("to trust everybody is warned of") {
  for (const auto* everybody : {R"(["any"])", R"(["10.0.0.0/8", "0.0.0.0/0"])"}) {
    CHECK(
        problems_with({{"trusted_proxies", everybody}}) ==
        Lines{"warning: /trusted_proxies: every client may say which address it has; expected the "
              "proxies' own addresses"});
  }
}

TEST_CASE("the Content-Security-Policy is off, the default, or directives of one's own") {
  using Kind = Settings::ContentSecurityPolicy::Kind;
  const auto policy = [](const std::string& text) {
    return read({{"content_security_policy", "\"" + text + "\""}}).settings.content_security_policy;
  };
  CHECK(policy("off").kind == Kind::off);
  CHECK(policy("default").kind == Kind::standard);
  CHECK(policy("default-src 'self'").kind == Kind::own);
  CHECK(policy("default-src 'self'").own == "default-src 'self'");
  CHECK(policy("upgrade-insecure-requests").kind == Kind::own);
  for (const std::string slip : {"defualt", "on", "none"}) {
    CHECK(problems_with({{"content_security_policy", "\"" + slip + "\""}}) ==
          Lines{"error: /content_security_policy: \"" + slip +
                "\" is not a policy; expected \"off\", \"default\" or directives, such as "
                "\"default-src "
                "'self'\""});
  }
}

TEST_CASE("no setting can end a header field") {
  CHECK(problems_with({{"content_security_policy", R"("default-src 'self'\r\nX: y")"}}) ==
        Lines{"error: /content_security_policy: the text holds a control character; expected text "
              "without"});
  CHECK(
      problems_with({{"content_security_policy", R"("default-src é")"}}) ==
      Lines{
          "error: /content_security_policy: \"default-src é\" is not the value of a header field; "
          "expected ASCII alone"});
}

TEST_CASE("a node's Server header passes, is removed, or replaced") {
  using Kind = Settings::ServerHeader::Kind;
  const auto header = [](const std::string& text) {
    return read({{"server_header", "\"" + text + "\""}}).settings.server_header;
  };
  CHECK(read({}).settings.server_header.kind == Kind::pass);
  CHECK(header("pass").kind == Kind::pass);
  CHECK(header("remove").kind == Kind::remove);
  CHECK(header("meet").kind == Kind::own);
  CHECK(header("meet").own == "meet");
}

TEST_CASE("error pages are files for single statuses, and one for all of 50x besides") {
  const auto [settings, problems] =
      read({{"error_pages", R"({ "503": "/b.html", "404": "four.html", "50x": "/a.html" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.error_pages == std::map<unsigned, std::string>{{404, "/four.html"},
                                                                {500, "/a.html"},
                                                                {502, "/a.html"},
                                                                {503, "/b.html"},
                                                                {504, "/a.html"}});
  CHECK(problems_with({{"error_pages", R"({ "200": "/a" })"}}).size() == 1);
}

TEST_CASE("rule 4: headers with an underscore are dropped, kept or refused") {
  using enum Settings::UnderscoreHeaders;
  CHECK(read({}).settings.underscore_headers == drop);
  CHECK(read({{"underscore_headers", "\"keep\""}}).settings.underscore_headers == keep);
  CHECK(read({{"underscore_headers", "\"refuse\""}}).settings.underscore_headers == refuse);
}

TEST_CASE("compression is off, and has types of one's own or the built-in ones") {
  CHECK_FALSE(read({}).settings.compression.enabled);
  const auto [settings, problems] = read(
      {{"compression", R"({ "enabled": true, "least_bytes": "2KiB", "types": ["Text/HTML"] })"}});
  CHECK(problems == Lines{});
  CHECK(settings.compression.enabled);
  CHECK(settings.compression.least_bytes == 2048);
  CHECK(settings.compression.types == Lines{"text/html"});
  for (const std::string wrong : {"text", "text/html; charset=utf-8", "text/event-stream"}) {
    CHECK(problems_with({{"compression", R"({ "types": [")" + wrong + "\"] }"}}).size() == 1);
  }
}

TEST_CASE("HSTS is off or the value of the field (RFC 6797 section 6.1)") {
  CHECK(read({{"hsts", "\"off\""}}).settings.hsts == std::nullopt);
  for (const std::string right :
       {"max-age=0", "max-age=31536000; includeSubDomains",
        "max-age=9999999999;includeSubDomains; preload", "includeSubDomains; max-age=1"}) {
    const auto [settings, problems] = read({{"hsts", "\"" + right + "\""}});
    CHECK(problems == Lines{});
    CHECK(settings.hsts == right);
  }
  for (const std::string wrong :
       {"on", "365d", "max-age=", "max-age=1x", "max-age=99999999999", "max-age=1; max-age=2",
        "max-age=1;", "includeSubDomains", "max-age=1; includeSubdomains", "max-age=1, preload"}) {
    CHECK(problems_with({{"hsts", "\"" + wrong + "\""}}) ==
          Lines{"error: /hsts: \"" + wrong +
                "\" is not the value of Strict-Transport-Security; expected \"off\" or "
                "\"max-age=SECONDS\", with \"; includeSubDomains\" and \"; preload\" if need be"});
  }
}

TEST_CASE("the PIN guard's values arrive, at their limits too") {
  const auto [settings, problems] =
      read({{"pin_guard", R"({ "enabled": true, "count": "denied_tokens", "max_failures": 10000,
                               "find_time": "7d", "ban_time": "365d", "ignore": ["10.0.0.0/8"],
                               "state": "redis://:secret@10.0.0.1/0" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.pin_guard.enabled);
  CHECK(settings.pin_guard.count == Settings::PinGuard::Count::denied_tokens);
  CHECK(settings.pin_guard.max_failures == 10000);
  CHECK(settings.pin_guard.find_time == 24h * 7);
  CHECK(settings.pin_guard.ban_time == 24h * 365);
  CHECK(settings.pin_guard.ignore.contains(core::IpAddress::v4(10, 0, 0, 1)));
  CHECK(settings.pin_guard.redis->password.reveal() == "secret");
  CHECK(read({{"pin_guard", R"({ "state": "bans.json" })"}}).settings.pin_guard.state ==
        "/bans.json");
  CHECK(
      problems_with(
          {{"pin_guard", R"({ "max_failures": 0, "find_time": "999ms", "ban_time": "366d" })"}}) ==
      Lines{
          "error: /pin_guard/max_failures: 0 is too small; expected a whole number from 1 to 10000",
          "error: /pin_guard/find_time: \"999ms\" is too short; expected \"1s\" to \"7d\"",
          "error: /pin_guard/ban_time: \"366d\" is too long; expected \"1s\" to \"365d\""});
}

TEST_CASE("the PIN guard's further values arrive") {
  const auto [settings, problems] =
      read({{"pin_guard", R"({ "growth": 100, "max_ban_time": "365d", "remember": "0s",
                          "widen_ipv6": false, "shared_networks": ["203.0.113.0/24"],
                          "shared_max_failures": 10000, "answer": "close", "dry_run": true,
                          "paths": ["/a/*/b"], "audit_log": "audit.log", "audit_format": "json",
                          "room": { "enabled": false, "find_time": "7d", "slow_after": 1,
                                    "max_failures": 1, "pace": "0s", "remember": "30d" } })"}});
  CHECK(problems ==
        Lines{"warning: /pin_guard/remember: no ban is remembered, so that none grows"});
  const auto& guard = settings.pin_guard;
  CHECK(guard.growth == 100);
  CHECK(guard.max_ban_time == 24h * 365);
  CHECK(guard.remember == 0s);
  CHECK_FALSE(guard.widen_ipv6);
  CHECK(guard.shared_networks.contains(core::IpAddress::v4(203, 0, 113, 9)));
  CHECK(guard.shared_max_failures == 10000);
  CHECK(guard.answer == Settings::PinGuard::Answer::close);
  CHECK(guard.dry_run);
  CHECK(guard.paths == std::vector<std::string>{"/a/*/b"});
  CHECK(guard.audit_log == "/audit.log");
  CHECK(guard.audit_format == logging::Format::json);
  CHECK_FALSE(guard.room.enabled);
  CHECK(guard.room.find_time == 24h * 7);
  CHECK(guard.room.slow_after == 1);
  CHECK(guard.room.max_failures == 1);
  CHECK(guard.room.pace == 0s);
  CHECK(guard.room.remember == 24h * 30);
}

TEST_CASE("what can't hold together in the PIN guard is refused") {
  CHECK(problems_with({{"pin_guard", R"({ "room": { "slow_after": 11, "max_failures": 10 } })"}}) ==
        Lines{"error: /pin_guard/room: max_failures is below slow_after; expected newcomers slowed "
              "down before they are refused"});
  CHECK(problems_with({{"pin_guard", R"({ "growth": 2, "max_ban_time": "299s" })"}}) ==
        Lines{"error: /pin_guard/max_ban_time: the longest ban is shorter than the first; expected "
              "ban_time at least"});
  CHECK(problems_with({{"pin_guard", R"({ "paths": [] })"}}) ==
        Lines{"error: /pin_guard/paths: the list is empty; expected at least one path"});
  for (const std::string wrong :
       {"a/*/b", "/a/b", "/a/*", "/a*/b", "/a/*/*/b", "/a/*/", "/a/*b", "/a/*/b/*", "/a/*/b/"}) {
    INFO(wrong);
    CHECK(problems_with({{"pin_guard", R"({ "paths": [")" + wrong + R"("] })"}}) ==
          Lines{"error: /pin_guard/paths/0: \"" + wrong +
                "\" is not such a path; expected a path with one \"*\" for the room: "
                "\"/api/client/v2/conferences/*/request_token\""});
  }
}

TEST_CASE("limits of what waits in memory: 0 is the most that there is, and more is refused") {
  const auto zero = read(
      {{"limits", R"({ "header_bytes": "0", "header_count": 0, "streams_per_connection": 0 })"}});
  CHECK(zero.problems == Lines{});
  CHECK(zero.settings.limits.header_bytes == Settings::kMaxHeaderBytes);
  CHECK(zero.settings.limits.header_count == Settings::kMaxHeaderCount);
  CHECK(zero.settings.limits.streams_per_connection == Settings::kMaxStreams);

  const auto least = read(
      {{"limits", R"({ "header_bytes": 1024, "header_count": 1, "streams_per_connection": 1 })"}});
  CHECK(least.problems == Lines{});
  CHECK(least.settings.limits.header_bytes == 1024);
  const auto most = read(
      {{"limits",
        R"({ "header_bytes": "1MiB", "header_count": 4096, "streams_per_connection": 1024 })"}});
  CHECK(most.problems == Lines{});
  CHECK(most.settings.limits.header_count == 4096);

  CHECK(problems_with({{"limits", R"({ "header_bytes": 1023 })"}}) ==
        Lines{"error: /limits/header_bytes: 1023 is too small; expected 1024 at least, or 0 for "
              "1048576"});
  CHECK(problems_with({{"limits", R"({ "header_bytes": 1048577 })"}}) ==
        Lines{"error: /limits/header_bytes: 1048577 is too large; expected \"1MiB\" at most"});
  CHECK(problems_with({{"limits", R"({ "header_count": 4097 })"}}) ==
        Lines{"error: /limits/header_count: 4097 is too large; expected a whole number from 0 to "
              "4096"});
  CHECK(problems_with({{"limits", R"({ "streams_per_connection": 1025 })"}}) ==
        Lines{"error: /limits/streams_per_connection: 1025 is too large; expected a whole number "
              "from 0 "
              "to 1024"});
}

TEST_CASE("limits of what is not held in memory: 0 is none") {
  const auto [settings, problems] = read(
      {{"limits",
        R"({ "body_bytes": "15MiB", "connections": 10000000, "connections_per_client": 1 })"}});
  CHECK(problems == Lines{});
  CHECK(settings.limits.body_bytes == 15 * 1024 * 1024);
  CHECK(settings.limits.connections == 10'000'000);
  CHECK(settings.limits.connections_per_client == 1);
  CHECK(
      problems_with({{"limits", R"({ "connections": 10000001 })"}}) ==
      Lines{"error: /limits/connections: 10000001 is too large; expected a whole number from 0 to "
            "10000000"});
  CHECK(problems_with({{"limits", R"({ "body_bytes": "1048576GiB" })"}}) == Lines{});
  CHECK(problems_with({{"limits", R"({ "body_bytes": "1048577GiB" })"}}) ==
        Lines{"error: /limits/body_bytes: \"1048577GiB\" is too large; expected \"1048576GiB\" at "
              "most"});
}

TEST_CASE("every time-out arrives where it belongs, and none can be switched off") {
  const auto [settings, problems] = read(
      {{"timeouts",
        R"({ "handshake": "1s", "head": "2s", "body": "3s", "keep_alive": "4s", "connect": "5s",
                              "response": "6s", "stream_idle": "7d", "backend_idle": "24h" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.timeouts.handshake == 1s);
  CHECK(settings.timeouts.head == 2s);
  CHECK(settings.timeouts.body == 3s);
  CHECK(settings.timeouts.keep_alive == 4s);
  CHECK(settings.timeouts.connect == 5s);
  CHECK(settings.timeouts.response == 6s);
  CHECK(settings.timeouts.stream_idle == 24h * 7);
  CHECK(settings.timeouts.backend_idle == 24h);
  CHECK(problems_with(
            {{"timeouts", R"({ "handshake": "0", "stream_idle": "8d", "connect": "25h" })"}}) ==
        Lines{"error: /timeouts/handshake: \"0\" is too short; expected \"1ms\" to \"1d\"",
              "error: /timeouts/connect: \"25h\" is too long; expected \"1ms\" to \"1d\"",
              "error: /timeouts/stream_idle: \"8d\" is too long; expected \"1ms\" to \"7d\""});
}

TEST_CASE("the logs have a level, formats and a file") {
  const auto [settings, problems] = read(
      {{"log",
        R"({ "level": "debug", "format": "json", "access": "access.log", "access_format": "combined" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.log.level == logging::Level::debug);
  CHECK(settings.log.format == logging::Format::json);
  CHECK(settings.log.access == "/access.log");
  CHECK(settings.log.access_format == Settings::AccessFormat::combined);
  CHECK(read({{"log", R"({ "access": null })"}}).settings.log.access == std::nullopt);
  CHECK(problems_with({{"log", R"({ "access_format": "nginx" })"}}) ==
        Lines{"error: /log/access_format: \"nginx\" is unknown; expected one of \"pexip\", "
              "\"combined\", \"extended\", \"json\""});
}

TEST_CASE("paths are open or those of conferencing") {
  CHECK(read({{"paths", "\"conferencing\""}}).settings.paths == Settings::Paths::conferencing);
  CHECK(problems_with({{"paths", "\"strict\""}}) ==
        Lines{"error: /paths: \"strict\" is unknown; expected one of \"open\", \"conferencing\""});
}
