#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>

#include "tests/support/changed_object.h"
#include "tests/support/given_surroundings.h"
#include "turnd/settings/settings.h"

using namespace std::chrono_literals;
using turnd::Settings;
using Lines = std::vector<std::string>;

namespace {

// Users and scripts rely on this file being accepted as it stands.
constexpr const char* kSample = R"(// turnd.json
{
  "workers": 0,
  "drain_timeout": "60s",
  "realm": "example.com",
  "listeners": [
    { "transport": "udp", "address": "198.51.100.130:3478" },
    { "transport": "tcp", "address": "198.51.100.130:3478", "proxy_protocol_from": [] },
    { "transport": "tls", "address": "198.51.100.130:5349", "certificates": ["/etc/vestibule/pexip.pem"] },
    { "transport": "dtls", "address": "198.51.100.130:5349", "certificates": ["/etc/vestibule/pexip.pem"] }
  ],
  "relay": {
    "addresses": ["198.51.100.130"],             // IPv4 and IPv6; several are used in turn
    "external_addresses": { "10.0.0.5": "1.2.3.4" },   // static NAT in front: private -> advertised
    "ports": [49152, 65535],
    "tcp": false                                 // RFC 6062
  },
  "peers": { "allow": ["10.40.0.0/24"], "deny": [] },  // on top of the built-in deny list
  "clients": { "stun": ["any"], "turn": ["any"] },     // restricted mode: "turn": ["10.40.0.10", "10.40.0.11"]
  "credentials": {
    "users": { "pexip": "admin123" },
    "users_file": "/etc/vestibule/turnusers.json",
    "shared_secrets": [], "shared_secrets_file": null
  },
  "limits": { "allocations": 0, "allocations_per_user": 0, "bandwidth_per_allocation": 0, "max_lifetime": "3600s" },
  "log": { "level": "info", "format": "text" },
  "admin": { "address": "127.0.0.1:9443", "socket": "/run/vestibule/turnd.sock" }
}
)";

auto load_sample() {
  GivenSurroundings surroundings;
  surroundings.files["/etc/vestibule/turnd.json"] = {kSample, false};
  surroundings.files["/etc/vestibule/turnusers.json"] = {
      R"({ "realm": "example.com", "users": {} })", false};
  return turnd::load("/etc/vestibule/turnd.json", surroundings);
}

} // namespace

TEST_CASE("the sample of turnd.json is accepted as it stands, and every value of it arrives") {
  const auto loaded = load_sample();
  REQUIRE(loaded);
  const auto& settings = loaded->settings;
  CHECK(settings.workers == 0);
  CHECK(settings.drain_timeout == 60s);
  CHECK(settings.realm == "example.com");

  REQUIRE(settings.listeners.size() == 4);
  CHECK(settings.listeners[0].transport == Settings::Transport::udp);
  CHECK(settings.listeners[0].address.to_string() == "198.51.100.130:3478");
  CHECK(settings.listeners[0].certificates.empty());
  CHECK(settings.listeners[1].transport == Settings::Transport::tcp);
  CHECK(settings.listeners[1].proxy_protocol_from.empty());
  CHECK(settings.listeners[2].transport == Settings::Transport::tls);
  CHECK(settings.listeners[2].certificates ==
        std::vector<config::CertificateFiles>{{"/etc/vestibule/pexip.pem", ""}});
  CHECK(settings.listeners[3].transport == Settings::Transport::dtls);
  CHECK(settings.listeners[3].address.port() == 5349);

  CHECK(settings.relay.addresses == std::vector{core::IpAddress::v4(198, 51, 100, 130)});
  CHECK(settings.relay.external_addresses ==
        std::map{std::pair(core::IpAddress::v4(10, 0, 0, 5), core::IpAddress::v4(1, 2, 3, 4))});
  CHECK(settings.relay.first_port == 49152);
  CHECK(settings.relay.last_port == 65535);
  CHECK_FALSE(settings.relay.tcp);

  CHECK(settings.peers.allow.contains(core::IpAddress::v4(10, 40, 0, 255)));
  CHECK_FALSE(settings.peers.allow.contains(core::IpAddress::v4(10, 40, 1, 0)));
  CHECK(settings.peers.deny.empty());
  CHECK(settings.clients.stun.contains(core::IpAddress::v4(8, 8, 8, 8)));
  CHECK(settings.clients.turn.contains(*core::IpAddress::parse("2001:db8::1")));

  REQUIRE(settings.credentials.users.size() == 1);
  CHECK(settings.credentials.users.at("pexip").reveal() == "admin123");
  CHECK(settings.credentials.users_file == "/etc/vestibule/turnusers.json");
  CHECK(settings.credentials.shared_secrets.empty());

  CHECK(settings.limits.allocations == config::kNoLimit);
  CHECK(settings.limits.allocations_per_user == config::kNoLimit);
  CHECK(settings.limits.bandwidth_per_allocation == config::kNoLimit);
  CHECK(settings.limits.max_lifetime == 3600s);
  CHECK(settings.log.level == logging::Level::info);
  CHECK(settings.log.format == logging::Format::text);
  CHECK(settings.admin.address->to_string() == "127.0.0.1:9443");
  CHECK(settings.admin.socket == "/run/vestibule/turnd.sock");
}

TEST_CASE("what is without effect in turnd's sample is warned of, with its line") {
  const auto loaded = load_sample();
  REQUIRE(loaded);
  Lines lines;
  for (const auto& problem : loaded->warnings) lines.push_back(config::to_string(problem));
  CHECK(
      lines ==
      Lines{
          "/etc/vestibule/turnd.json:14: /relay/external_addresses/10.0.0.5: 10.0.0.5 is not among "
          "the relay addresses: this is without effect"});
}
