#include <catch2/catch_test_macros.hpp>
#include <chrono>

#include "tests/unit/rproxyd/settings/reading_members.h"

using namespace std::chrono_literals;
using rproxyd::Settings;

namespace {

Settings::Pool pool(const std::string& members) {
  const auto [settings, problems] = read({{"pools", pool_with(members)}});
  CHECK(problems == Lines{});
  return settings.pools.at("nodes");
}

Lines problems_with_pool(const std::string& members) {
  return problems_with({{"pools", pool_with(members)}});
}

Lines problems_with_servers(const std::string& list) {
  return problems_with({{"pools", R"({ "nodes": { "servers": )" + list + " } }"}});
}

} // namespace

TEST_CASE("a pool's defaults: round robin for new clients, affinity by address, no checks") {
  const auto defaults = read({}).settings.pools.at("nodes");
  CHECK(defaults.policy == Settings::Policy::round_robin);
  CHECK(defaults.affinity == Settings::Affinity::client_address);
  CHECK_FALSE(defaults.tls.verify);
  CHECK_FALSE(defaults.health);
  CHECK(defaults.retry.on_connect);
  CHECK(defaults.retry.on_status == std::vector<unsigned>{502, 503, 504});
  CHECK(defaults.retry.attempts == 2);
  CHECK_FALSE(defaults.retry.non_idempotent);
  CHECK(defaults.protocol == Settings::BackendProtocol::http1_1);
  CHECK(defaults.proxy_protocol == Settings::ProxyHeader::none);
}

TEST_CASE("a pool has at least one server, each once") {
  CHECK(problems_with({{"pools", R"({ "nodes": {} })"}}) ==
        Lines{"error: /pools/nodes: \"servers\" is missing"});
  CHECK(problems_with_servers("[]") ==
        Lines{"error: /pools/nodes/servers: the list is empty; expected at least one server"});
  CHECK(
      problems_with_servers(R"(["https://a", "http://a:443"])") ==
      Lines{
          "error: /pools/nodes/servers/1: \"http://a:443\" is listed already; expected each server "
          "once"});
  CHECK(problems_with_servers(R"(["https://a", "http://a"])") == Lines{});
}

TEST_CASE("a server is a URL without a path") {
  CHECK(problems_with_servers(R"(["10.40.0.10"])") ==
        Lines{"error: /pools/nodes/servers/0: \"10.40.0.10\" is not a server; expected "
              "\"https://HOST\" or \"http://HOST\", with a port if need be: "
              "\"https://10.40.0.12:8443\""});
}

TEST_CASE("servers are accepted to the limit of their number, and refused one past it") {
  std::string list;
  for (std::size_t i = 1; i <= rproxyd::kMaxServers; ++i) {
    list += "\"https://node" + std::to_string(i) + "\",";
  }
  CHECK(problems_with_servers("[" + list.substr(0, list.size() - 1) + "]") == Lines{});
  CHECK(problems_with_servers("[" + list + "\"https://more\"]") ==
        Lines{"error: /pools/nodes/servers: the list has 257 elements; expected at most 256"});
}

TEST_CASE("pools are accepted to the limit of their number, and refused one past it") {
  const auto with = [](std::size_t count) {
    std::string pools = "{";
    std::string routes = "[";
    for (std::size_t i = 0; i < count; ++i) {
      const auto name = std::to_string(i);
      pools += (i ? ",\"" : "\"") + name + R"(": { "servers": ["https://a"] })";
      routes += (i ? "," : "") + (R"({ "path": "/)" + name) + R"(/", "pool": ")" + name + "\" }";
    }
    return problems_with({{"pools", pools + "}"}, {"routes", routes + "]"}});
  };
  CHECK(with(rproxyd::kMaxPools) == Lines{});
  CHECK(with(rproxyd::kMaxPools + 1) ==
        Lines{"error: /pools: the object has 65 members; expected at most 64"});
}

TEST_CASE("PROXY headers to servers are off, version 1 or 2, and not for HTTP/2") {
  CHECK(pool(R"("proxy_protocol": "off")").proxy_protocol == Settings::ProxyHeader::none);
  CHECK(pool(R"("proxy_protocol": "v1")").proxy_protocol == Settings::ProxyHeader::v1);
  CHECK(pool(R"("proxy_protocol": "v2")").proxy_protocol == Settings::ProxyHeader::v2);
  CHECK(problems_with_pool(R"("protocol": "h2", "proxy_protocol": "v2")") ==
        Lines{"error: /pools/nodes/proxy_protocol: a PROXY header speaks for one client, and a "
              "connection of HTTP/2 carries many; expected \"protocol\": \"http/1.1\""});
}

TEST_CASE("policy, affinity and protocol are words of their own") {
  CHECK(pool(R"("policy": "least_connections")").policy == Settings::Policy::least_connections);
  CHECK(pool(R"("policy": "client_hash")").policy == Settings::Policy::client_hash);
  CHECK(pool(R"("affinity": "none")").affinity == Settings::Affinity::none);
  CHECK(pool(R"("affinity": "cookie")").affinity == Settings::Affinity::cookie);
  CHECK(pool(R"("protocol": "h2")").protocol == Settings::BackendProtocol::h2);
  CHECK(
      problems_with_pool(R"("policy": "roundrobin")") ==
      Lines{
          "error: /pools/nodes/policy: \"roundrobin\" is unknown (did you mean \"round_robin\"?); "
          "expected one of \"round_robin\", \"least_connections\", \"client_hash\""});
  CHECK(problems_with_pool(R"("affinity": "session")") ==
        Lines{"error: /pools/nodes/affinity: \"session\" is unknown; expected one of \"none\", "
              "\"client_address\", \"cookie\""});
  CHECK(problems_with_pool(R"("protocol": "http/2")") ==
        Lines{"error: /pools/nodes/protocol: \"http/2\" is unknown; expected one of \"http/1.1\", "
              "\"h2\""});
}

TEST_CASE("TLS to servers: verification, a name, an authority") {
  const auto tls =
      pool(R"("tls": { "verify": true, "server_name": "node.example.com", "ca_file": "ca.pem" })")
          .tls;
  CHECK(tls.verify);
  CHECK(tls.server_name == "node.example.com");
  CHECK(tls.ca_file == "/ca.pem");
  CHECK(problems_with_pool(R"("tls": { "server_name": "https://node" })") ==
        Lines{"error: /pools/nodes/tls/server_name: \"https://node\" is not a host name; expected "
              "\"node.example.com\", for instance"});
  CHECK(problems_with_pool(R"("tls": { "ca_file": "/ca.pem" })") ==
        Lines{"warning: /pools/nodes/tls/ca_file: is without effect while \"verify\" is "
              "false"});
}

TEST_CASE("checks are made when they are asked for, with defaults of their own") {
  CHECK_FALSE(pool(R"("health": null)").health);
  const auto health = pool(R"("health": {})").health;
  REQUIRE(health);
  CHECK(health->path == "/api/client/v2/status");
  CHECK(health->interval == 5s);
  CHECK(health->timeout == 2s);
  CHECK(health->fall == 2);
  CHECK(health->rise == 2);
}

TEST_CASE("a check has a path, and is over before the next one") {
  CHECK(
      problems_with_pool(R"("health": { "path": "status" })") ==
      Lines{"error: /pools/nodes/health/path: \"status\" is not a path of a URL; expected \"/…\""});
  CHECK(pool(R"("health": { "interval": "2s", "timeout": "2s" })").health->timeout == 2s);
  CHECK(problems_with_pool(R"("health": { "interval": "2s", "timeout": "2001ms" })") ==
        Lines{"error: /pools/nodes/health: the timeout is longer than the interval; expected each "
              "check "
              "over before the next"});
}

TEST_CASE("the numbers of a check are accepted at their limits, and refused one past them") {
  CHECK(pool(R"("health": { "interval": "100ms", "timeout": "10ms", "fall": 1, "rise": 100 })")
            .health->rise == 100);
  CHECK(pool(R"("health": { "interval": "1h", "timeout": "1h", "fall": 100, "rise": 1 })")
            .health->fall == 100);
  CHECK(
      problems_with_pool(
          R"("health": { "interval": "99ms", "timeout": "9ms", "fall": 0, "rise": 101 })") ==
      Lines{
          "error: /pools/nodes/health/interval: \"99ms\" is too short; expected \"100ms\" to "
          "\"1h\"",
          "error: /pools/nodes/health/timeout: \"9ms\" is too short; expected \"10ms\" to \"1h\"",
          "error: /pools/nodes/health/fall: 0 is too small; expected a whole number from 1 to 100",
          "error: /pools/nodes/health/rise: 101 is too large; expected a whole number from 1 to "
          "100"});
}

TEST_CASE("a second attempt is made after what the list says, and nothing else") {
  const auto retry =
      pool(R"("retry": { "on": ["timeout", "500"], "attempts": 8, "non_idempotent": true })").retry;
  CHECK_FALSE(retry.on_connect);
  CHECK(retry.on_timeout);
  CHECK(retry.on_status == std::vector<unsigned>{500});
  CHECK(retry.attempts == 8);
  CHECK(retry.non_idempotent);

  const auto never = pool(R"("retry": { "on": [] })").retry;
  CHECK_FALSE(never.on_connect);
  CHECK(never.on_status.empty());

  CHECK(problems_with_pool(R"("retry": { "on": ["501"] })") ==
        Lines{"error: /pools/nodes/retry/on/0: \"501\" is unknown (did you mean \"500\"?); "
              "expected one "
              "of \"connect\", \"timeout\", \"500\", \"502\", \"503\", \"504\""});
  CHECK(problems_with_pool(R"("retry": { "attempts": 9 })") ==
        Lines{"error: /pools/nodes/retry/attempts: 9 is too large; expected a whole number from 1 "
              "to 8"});
  CHECK(problems_with_pool(R"("retry": { "attempts": 0 })") ==
        Lines{"error: /pools/nodes/retry/attempts: 0 is too small; expected a whole number from 1 "
              "to 8"});
}
