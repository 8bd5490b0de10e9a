#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>
#include <variant>

#include "rproxyd/settings/settings.h"
#include "tests/support/given_surroundings.h"

using namespace std::chrono_literals;
using rproxyd::Settings;
using Lines = std::vector<std::string>;

namespace {

// Users and scripts rely on this file being accepted as it stands.
constexpr const char* kSample = R"(// rproxyd.json
{
  "workers": 0,                                  // 0: one per core
  "drain_timeout": "30s",
  "listeners": [
    { "address": "0.0.0.0:443", "tls": { "certificates": ["/etc/vestibule/pexip.pem"], "min_version": "1.2" },
      "turn": "10.40.0.2:3478" },                // optional: TURN over TLS on the same port 443, told apart by its first bytes
                                                 // and handed to turnd over TCP with a PROXY v2 header
    { "address": "[::]:443",    "tls": { "certificates": ["/etc/vestibule/pexip.pem"] }, "proxy_protocol": false },
    { "address": "0.0.0.0:80",  "redirect_https": true }
  ],
  "pools": {
    "conferencing": {
      "servers": ["https://10.40.0.10", "https://10.40.0.11", "https://10.40.0.12:8443"],
      "policy": "round_robin",                   // round_robin | least_connections | client_hash
      "affinity": "client_address",              // none | client_address | cookie
      "tls": { "verify": false, "server_name": null, "ca_file": null },
      "health": { "path": "/api/client/v2/status", "interval": "5s", "timeout": "2s", "fall": 2, "rise": 2 },
      "retry": { "on": ["connect", "502", "503", "504"], "attempts": 2, "non_idempotent": false },
      "protocol": "http/1.1"                     // http/1.1 | h2
    }
  },
  "routes": [
    { "path": "/branding/", "static": "/srv/branding" },
    { "path": "/", "exact": true, "redirect": "/webapp/" },
    { "path": "/", "pool": "conferencing", "websocket": true }
  ],
  "paths": "open",                               // open | conferencing (only the paths that the clients use)
  "content_security_policy": "default",          // off | default | a value of your own; only where the node sent none
  "hsts": "off",
  "pin_guard": {
    "enabled": false, "count": "wrong_pins",     // wrong_pins | denied_tokens (as fail2ban counted)
    "max_failures": 5, "find_time": "300s", "ban_time": "300s",
    "ignore": ["127.0.0.0/8"], "state": "/var/lib/vestibule/bans.json"    // or "redis://…"
  },
  "trusted_proxies": [],
  "limits": { "header_bytes": "64KiB", "header_count": 128, "body_bytes": "0", "connections": 0, "connections_per_client": 0, "streams_per_connection": 128 },  // 0: none
  "timeouts": { "handshake": "10s", "head": "10s", "body": "30s", "keep_alive": "65s", "connect": "3s", "response": "60s", "stream_idle": "1h", "backend_idle": "60s" },
  "log": { "level": "info", "format": "text", "access": "/var/log/vestibule/access.log", "access_format": "pexip" },  // pexip | combined | json
  "admin": { "address": "127.0.0.1:9442", "socket": "/run/vestibule/rproxyd.sock" }
}
)";

auto load_sample() {
  GivenSurroundings surroundings;
  surroundings.files["/etc/vestibule/rproxyd.json"] = {kSample, true};
  return rproxyd::load("/etc/vestibule/rproxyd.json", surroundings);
}

} // namespace

TEST_CASE("the sample of rproxyd.json is accepted as it stands, and every value of it arrives") {
  const auto loaded = load_sample();
  REQUIRE(loaded);
  const auto& settings = loaded->settings;
  CHECK(settings.workers == 0);
  CHECK(settings.drain_timeout == 30s);

  REQUIRE(settings.listeners.size() == 3);
  CHECK(settings.listeners[0].address.to_string() == "0.0.0.0:443");
  REQUIRE(settings.listeners[0].tls);
  CHECK(settings.listeners[0].tls->certificates ==
        std::vector<config::CertificateFiles>{{"/etc/vestibule/pexip.pem", ""}});
  CHECK(settings.listeners[0].tls->min_version == Settings::TlsVersion::tls1_2);
  CHECK(settings.listeners[0].turn == core::SocketAddress::parse("10.40.0.2:3478"));
  CHECK(settings.listeners[1].address.to_string() == "[::]:443");
  CHECK(settings.listeners[1].turn == std::nullopt);
  CHECK_FALSE(settings.listeners[1].proxy_protocol);
  CHECK_FALSE(settings.listeners[2].tls);
  CHECK(settings.listeners[2].redirect_https);

  REQUIRE(settings.pools.size() == 1);
  const auto& pool = settings.pools.at("conferencing");
  REQUIRE(pool.servers.size() == 3);
  CHECK(pool.servers[0].scheme == Settings::Scheme::https);
  CHECK(pool.servers[0].host == "10.40.0.10");
  CHECK(pool.servers[0].port == 443);
  CHECK(pool.servers[2].port == 8443);
  CHECK(pool.policy == Settings::Policy::round_robin);
  CHECK(pool.affinity == Settings::Affinity::client_address);
  CHECK_FALSE(pool.tls.verify);
  CHECK(pool.tls.server_name == std::nullopt);
  CHECK(pool.tls.ca_file == std::nullopt);
  REQUIRE(pool.health);
  CHECK(pool.health->path == "/api/client/v2/status");
  CHECK(pool.health->interval == 5s);
  CHECK(pool.health->timeout == 2s);
  CHECK(pool.health->fall == 2);
  CHECK(pool.health->rise == 2);
  CHECK(pool.retry.on_connect);
  CHECK_FALSE(pool.retry.on_timeout);
  CHECK(pool.retry.on_status == std::vector<unsigned>{502, 503, 504});
  CHECK(pool.retry.attempts == 2);
  CHECK_FALSE(pool.retry.non_idempotent);
  CHECK(pool.protocol == Settings::BackendProtocol::http1_1);

  REQUIRE(settings.routes.size() == 3);
  CHECK(settings.routes[0].path == "/branding/");
  CHECK(std::get<Settings::StaticFolder>(settings.routes[0].target).folder == "/srv/branding");
  CHECK(settings.routes[1].exact);
  CHECK(std::get<Settings::Redirect>(settings.routes[1].target).location == "/webapp/");
  CHECK_FALSE(settings.routes[2].exact);
  CHECK(std::get<Settings::ToPool>(settings.routes[2].target).pool == "conferencing");
  CHECK(std::get<Settings::ToPool>(settings.routes[2].target).websocket);

  CHECK(settings.paths == Settings::Paths::open);
  CHECK(settings.content_security_policy.kind == Settings::ContentSecurityPolicy::Kind::standard);
  CHECK(settings.hsts == std::nullopt);
  CHECK_FALSE(settings.pin_guard.enabled);
  CHECK(settings.pin_guard.count == Settings::PinGuard::Count::wrong_pins);
  CHECK(settings.pin_guard.max_failures == 5);
  CHECK(settings.pin_guard.find_time == 300s);
  CHECK(settings.pin_guard.ban_time == 300s);
  CHECK(settings.pin_guard.ignore.contains(core::IpAddress::v4(127, 0, 0, 1)));
  CHECK(settings.pin_guard.state == "/var/lib/vestibule/bans.json");
  CHECK(settings.trusted_proxies.empty());

  CHECK(settings.limits.header_bytes == 65536);
  CHECK(settings.limits.header_count == 128);
  CHECK(settings.limits.body_bytes == config::kNoLimit);
  CHECK(settings.limits.connections == config::kNoLimit);
  CHECK(settings.limits.connections_per_client == config::kNoLimit);
  CHECK(settings.limits.streams_per_connection == 128);
  CHECK(settings.timeouts.handshake == 10s);
  CHECK(settings.timeouts.head == 10s);
  CHECK(settings.timeouts.body == 30s);
  CHECK(settings.timeouts.keep_alive == 65s);
  CHECK(settings.timeouts.connect == 3s);
  CHECK(settings.timeouts.response == 60s);
  CHECK(settings.timeouts.stream_idle == 1h);
  CHECK(settings.timeouts.backend_idle == 60s);
  CHECK(settings.log.level == logging::Level::info);
  CHECK(settings.log.format == logging::Format::text);
  CHECK(settings.log.access == "/var/log/vestibule/access.log");
  CHECK(settings.log.access_format == Settings::AccessFormat::pexip);
  CHECK(settings.admin.address->to_string() == "127.0.0.1:9442");
  CHECK(settings.admin.socket == "/run/vestibule/rproxyd.sock");
}

TEST_CASE("rproxyd serves all of its sample") {
  const auto loaded = load_sample();
  REQUIRE(loaded);
  CHECK(loaded->warnings.empty());
}
