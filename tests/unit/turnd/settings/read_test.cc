#include "turnd/settings/read.h"
#include "turnd/settings/read_limits.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/changed_object.h"
#include "tests/support/given_surroundings.h"
#include "turnd/settings/read_credentials.h"

using namespace std::chrono_literals;
using turnd::Settings;
using Lines = std::vector<std::string>;

namespace {

const Members kRight{
    {"realm", R"("example.com")"},
    {"listeners", R"([{ "transport": "udp", "address": "127.0.0.1:0" }])"},
    {"relay", R"({ "addresses": ["127.0.0.1"] })"},
    {"credentials", R"({ "users": { "user": "password" } })"},
};

struct ReadSettings {
  Settings settings;
  Lines problems;
};

ReadSettings read(const Members& changes, const GivenSurroundings& surroundings = {}) {
  config::Problems problems;
  const auto document = config::Document::parse("/f", object_of(kRight, changes), problems);
  REQUIRE(document);
  config::Reading reading{*document, surroundings, problems};
  auto settings = turnd::read(config::Value::root(reading));
  return {std::move(settings), lines_of(problems)};
}

Lines problems_with(const Members& changes) { return read(changes).problems; }

// One listener with these members, besides its address.
Lines problems_with_listener(const std::string& members) {
  return problems_with({{"listeners", "[{ \"address\": \"127.0.0.1:1\", " + members + " }]"}});
}

Lines problems_with_relay(const std::string& members) {
  return problems_with(
      {{"relay", "{ \"addresses\": [\"10.0.0.1\", \"2001:db8::1\"], " + members + " }"}});
}

std::string repeated(const std::string& json, std::size_t count) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list += (i ? "," : "") + json;
  return list + "]";
}

} // namespace

TEST_CASE("what may be left out has its default") {
  const auto [settings, problems] = read({});
  CHECK(problems == Lines{});
  CHECK(settings.workers == 0);
  CHECK(settings.drain_timeout == 60s);
  CHECK(settings.relay.first_port == 49152);
  CHECK(settings.relay.last_port == 65535);
  CHECK_FALSE(settings.relay.tcp);
  CHECK(settings.peers.allow.empty());
  CHECK(settings.peers.deny.empty());
  CHECK(settings.clients.stun.contains(core::IpAddress::v4(192, 0, 2, 1)));
  CHECK(settings.clients.turn.contains(*core::IpAddress::parse("2001:db8::1")));
  CHECK(settings.limits.allocations == std::nullopt);
  CHECK(settings.limits.allocations_per_user == std::nullopt);
  CHECK(settings.limits.bandwidth_per_allocation == std::uint64_t{16} << 20);
  CHECK(settings.limits.bandwidth_per_user == std::uint64_t{1} << 30);
  CHECK(settings.limits.permissions_per_allocation == 128);
  CHECK(settings.limits.channels_per_allocation == 128);
  CHECK(settings.limits.unauthenticated_answers_per_source == 100);
  CHECK(settings.limits.nonce_lifetime == 600s);
  CHECK(settings.limits.max_lifetime == 3600s);
  CHECK(settings.log.level == logging::Level::info);
  CHECK(settings.log.format == logging::Format::text);
  CHECK(settings.admin.address->to_string() == "127.0.0.1:9443");
  CHECK(settings.admin.socket == "/run/vestibule/turnd.sock");
}

TEST_CASE("realm, listeners and relay addresses must be there") {
  CHECK(problems_with({{"realm", ""}}) == Lines{"error: \"realm\" is missing"});
  CHECK(problems_with({{"listeners", ""}}) == Lines{"error: \"listeners\" is missing"});
  CHECK(problems_with({{"listeners", "[]"}}) ==
        Lines{"error: /listeners: the list is empty; expected at least one listener"});
  CHECK(problems_with({{"relay", ""}}) ==
        Lines{"error: \"relay\" is missing; expected { \"addresses\": [ … ] }"});
  CHECK(problems_with({{"relay", "{}"}}) == Lines{"error: /relay: \"addresses\" is missing"});
  CHECK(problems_with({{"relay", R"({ "addresses": [] })"}}) ==
        Lines{"error: /relay/addresses: the list is empty; expected at least one address"});
}

TEST_CASE("a root that is no object is one problem") {
  config::Problems problems;
  const GivenSurroundings surroundings;
  const auto document = config::Document::parse("/f", "[]", problems);
  config::Reading reading{*document, surroundings, problems};
  turnd::read(config::Value::root(reading));
  CHECK(lines_of(problems) == Lines{"error: an array is not an object; expected { … }"});
}

TEST_CASE("an unknown key is an error in every object") {
  const std::string unknown = R"("zzzzzzzz": 1)";
  for (const auto& [key, json] : Members{
           {"zzzzzzzz", "1"},
           {"listeners", R"([{ "transport": "udp", "address": "127.0.0.1:0", )" + unknown + " }]"},
           {"relay", R"({ "addresses": ["127.0.0.1"], )" + unknown + " }"},
           {"peers", "{ " + unknown + " }"},
           {"clients", "{ " + unknown + " }"},
           {"credentials", R"({ "users": { "u": "p" }, )" + unknown + " }"},
           {"limits", "{ " + unknown + " }"},
           {"log", "{ " + unknown + " }"},
           {"admin", "{ " + unknown + " }"}}) {
    const auto problems = problems_with({{key, json}});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].contains("unknown key \"zzzzzzzz\"; expected one of "));
  }
  CHECK(problems_with({{"listners", "[]"}}) ==
        Lines{"error: /listners: unknown key \"listners\" (did you mean \"listeners\"?)"});
}

TEST_CASE("workers and drain_timeout are accepted at their limits, and refused one past them") {
  CHECK(read({{"workers", "256"}}).settings.workers == 256);
  CHECK(problems_with({{"workers", "257"}}) ==
        Lines{"error: /workers: 257 is too large; expected a whole number from 0 to 256"});
  CHECK(read({{"drain_timeout", "\"0\""}}).settings.drain_timeout == 0s);
  CHECK(read({{"drain_timeout", "\"24h\""}}).settings.drain_timeout == 24h);
  CHECK(problems_with({{"drain_timeout", "\"86401s\""}}) ==
        Lines{"error: /drain_timeout: \"86401s\" is too long; expected \"0\" to \"1d\""});
}

TEST_CASE("a realm has less than 128 bytes (RFC 8489 section 14.9)") {
  CHECK(problems_with({{"realm", '"' + std::string(127, 'r') + '"'}}) == Lines{});
  CHECK(problems_with({{"realm", '"' + std::string(128, 'r') + '"'}}) ==
        Lines{"error: /realm: the text is 128 bytes long; expected at most 127"});
}

TEST_CASE("a listener has a transport and an address") {
  CHECK(problems_with({{"listeners", R"([{}])"}}) ==
        Lines{"error: /listeners/0: \"transport\" is missing",
              "error: /listeners/0: \"address\" is missing"});
  CHECK(
      problems_with_listener(R"("transport": "utp")") ==
      Lines{
          "error: /listeners/0/transport: \"utp\" is unknown (did you mean \"udp\"?); expected one "
          "of \"udp\", \"tcp\", \"tls\", \"dtls\""});
  CHECK(
      problems_with(
          {{"listeners", R"([{ "transport": "udp", "address": "198.51.100.130:99999" }])"}}) ==
      Lines{
          "error: /listeners/0/address: \"198.51.100.130:99999\" is not a socket address; expected "
          "\"IP:PORT\", such as \"198.51.100.130:3478\" or \"[2001:db8::1]:3478\""});
}

TEST_CASE("listeners are accepted to the limit of their number, and refused one past it") {
  const std::string listener = R"({ "transport": "udp", "address": "127.0.0.1:0" })";
  CHECK(problems_with({{"listeners", repeated(listener, turnd::kMaxListeners)}}) == Lines{});
  CHECK(problems_with({{"listeners", repeated(listener, turnd::kMaxListeners + 1)}}) ==
        Lines{"error: /listeners: the list has 65 elements; expected at most 64"});
}

TEST_CASE("udp and dtls can't have the same port, nor tcp and tls; udp and tcp can") {
  const auto two = [](const std::string& first, const std::string& second) {
    const auto listener = [](const std::string& transport) {
      return R"({ "transport": ")" + transport + R"(", "address": "10.0.0.1:3478")" +
             (transport.ends_with("tls") ? R"(, "certificates": ["/c"] })" : " }");
    };
    return problems_with({{"listeners", "[" + listener(first) + "," + listener(second) + "]"}});
  };
  const auto taken = [](const std::string& kind) {
    return Lines{
        "error: /listeners/1: the " + kind +
        " port of 10.0.0.1:3478 is taken by listener 0 already; expected another address or "
        "port"};
  };
  CHECK(two("udp", "udp") == taken("UDP"));
  CHECK(two("udp", "dtls") == taken("UDP"));
  CHECK(two("tcp", "tls") == taken("TCP"));
  CHECK(two("udp", "tcp") == Lines{});
  CHECK(two("dtls", "tls") == Lines{});
}

TEST_CASE("a tls or dtls listener without certificates gets a self-signed one, and a warning") {
  const Lines warning{
      "warning: /listeners/0: no certificates: a self-signed one is made, and clients may refuse "
      "it"};
  CHECK(problems_with_listener(R"("transport": "tls")") == warning);
  CHECK(problems_with_listener(R"("transport": "dtls", "certificates": [])") == warning);
  CHECK(problems_with_listener(R"("transport": "tls", "certificates": ["/c.pem"])") == Lines{});
  CHECK(problems_with_listener(R"("transport": "tls", "certificates": [1])") ==
        Lines{"error: /listeners/0/certificates/0: 1 is not a string; expected text in quotes"});
}

TEST_CASE(
    "certificates of a listener are accepted to the limit of their number, and refused past it") {
  const auto with = [](std::size_t count) {
    return problems_with_listener(R"("transport": "tls", "certificates": )" +
                                  repeated("\"/c\"", count));
  };
  CHECK(with(turnd::kMaxCertificates) == Lines{});
  CHECK(with(turnd::kMaxCertificates + 1) ==
        Lines{"error: /listeners/0/certificates: the list has 17 elements; expected at most 16"});
}

TEST_CASE("certificates on a listener without TLS are refused, an empty list isn't") {
  CHECK(problems_with_listener(R"("transport": "udp", "certificates": [])") == Lines{});
  for (const std::string transport : {"udp", "tcp"}) {
    CHECK(
        problems_with_listener("\"transport\": \"" + transport + R"(", "certificates": ["/c"])") ==
        Lines{"error: /listeners/0/certificates: a listener without TLS has no certificates; "
              "expected these on \"tls\" and \"dtls\" only"});
  }
}

TEST_CASE("PROXY headers come over tcp and tls only") {
  CHECK(read({{"listeners", R"([{ "transport": "tcp", "address": "10.0.0.1:1",
                                  "proxy_protocol_from": ["10.0.0.0/8"] }])"}})
            .settings.listeners.at(0)
            .proxy_protocol_from.contains(core::IpAddress::v4(10, 1, 2, 3)));
  for (const std::string transport : {"udp", "dtls"}) {
    const auto problems =
        problems_with_listener("\"transport\": \"" + transport +
                               R"(", "certificates": [], "proxy_protocol_from": ["any"])");
    CHECK(problems.at(0) ==
          "error: /listeners/0/proxy_protocol_from: a listener for datagrams has no "
          "PROXY headers; expected this on \"tcp\" and \"tls\" only");
  }
}

TEST_CASE("a relay address is one that a peer can answer to, and listed once") {
  const auto with = [](const std::string& address) {
    return problems_with({{"relay", "{ \"addresses\": [\"" + address + "\"] }"}});
  };
  for (const std::string wrong : {"0.0.0.0", "::"}) {
    CHECK(with(wrong) ==
          Lines{"error: /relay/addresses/0: \"" + wrong +
                "\" is no address that peers could answer to; expected an address of "
                "this machine"});
  }
  for (const std::string wrong : {"224.0.0.0", "239.255.255.255", "ff02::1"}) {
    CHECK(with(wrong) == Lines{"error: /relay/addresses/0: \"" + wrong +
                               "\" is a multicast address; expected an address of this machine"});
  }
  CHECK(with("223.255.255.255") == Lines{});
  CHECK(with("240.0.0.1") == Lines{});
  CHECK(
      problems_with({{"relay", R"({ "addresses": ["2001:db8::1", "2001:db8:0::1"] })"}}) ==
      Lines{"error: /relay/addresses/1: \"2001:db8:0::1\" is listed already; expected each address "
            "once"});
}

TEST_CASE("relay addresses are accepted to the limit of their number, and refused one past it") {
  std::string list;
  for (int i = 1; i <= 64; ++i) list += "\"10.0.0." + std::to_string(i) + "\",";
  CHECK(problems_with({{"relay", "{ \"addresses\": [" + list.substr(0, list.size() - 1) +
                                     "] }"}}) == Lines{});
  CHECK(problems_with({{"relay", "{ \"addresses\": [" + list + "\"10.1.0.0\"] }"}}) ==
        Lines{"error: /relay/addresses: the list has 65 elements; expected at most 64"});
}

TEST_CASE(
    "an external address is of the same family, and without effect for an address that isn't "
    "used") {
  CHECK(problems_with_relay(
            R"("external_addresses": { "10.0.0.1": "192.0.2.1", "2001:db8::1": "2001:db8::2" })") ==
        Lines{});
  CHECK(problems_with_relay(R"("external_addresses": { "10.0.0.1": "2001:db8::2" })") ==
        Lines{"error: /relay/external_addresses/10.0.0.1: \"2001:db8::2\" is of the other family; "
              "expected IPv4 for IPv4, IPv6 for IPv6"});
  CHECK(
      problems_with_relay(R"("external_addresses": { "10.0.0.2": "192.0.2.1" })") ==
      Lines{
          "warning: /relay/external_addresses/10.0.0.2: 10.0.0.2 is not among the relay addresses: "
          "this is without effect"});
  CHECK(problems_with_relay(
            R"("external_addresses": { "10.0.0.1": "192.0.2.1", "10.0.0.2": "192.0.2.2" })") ==
        Lines{}); // one map for all servers of a fleet
  CHECK(problems_with_relay(R"("external_addresses": { "${A}": "192.0.2.1" })") ==
        Lines{"error: /relay/external_addresses/${A}: \"${A}\" is not an IP address; expected "
              "\"198.51.100.130\" or \"2001:db8::1\", for instance"});
}

TEST_CASE("the relay ports are a first and a last one, in this order") {
  CHECK(problems_with_relay(R"("ports": [1, 65535])") == Lines{});
  const auto one = read({{"relay", R"({ "addresses": ["10.0.0.1"], "ports": [5000, 5000] })"}});
  CHECK(one.problems == Lines{});
  CHECK(one.settings.relay.first_port == 5000);
  CHECK(one.settings.relay.last_port == 5000);
  CHECK(
      problems_with_relay(R"("ports": [5001, 5000])") ==
      Lines{
          "error: /relay/ports: the first port, 5001, is above the last, 5000; expected the lower "
          "one first"});
  CHECK(
      problems_with_relay(R"("ports": [0, 65536])") ==
      Lines{"error: /relay/ports/0: 0 is too small; expected a whole number from 1 to 65535",
            "error: /relay/ports/1: 65536 is too large; expected a whole number from 1 to 65535"});
  CHECK(
      problems_with_relay(R"("ports": [1, 2, 3])") ==
      Lines{
          "error: /relay/ports: a list of 3; expected the first and the last port, such as [49152, "
          "65535]"});
  CHECK(
      problems_with_relay(R"("ports": "49152-65535")") ==
      Lines{
          "error: /relay/ports: a string is not a list; expected the first and the last port, such "
          "as [49152, 65535]"});
}

TEST_CASE("lists of peers and clients arrive where they belong") {
  const auto [settings, problems] =
      read({{"peers", R"({ "allow": ["10.0.0.1"], "deny": ["10.0.0.2"] })"},
            {"clients", R"({ "stun": ["10.0.0.3"], "turn": ["10.0.0.4"], "rfc5766_channels": true,
                        "draft_dual_allocation": true })"}});
  CHECK(settings.clients.draft_dual_allocation);
  CHECK(settings.clients.rfc5766_channels);
  CHECK(problems == Lines{});
  CHECK(settings.peers.allow.contains(core::IpAddress::v4(10, 0, 0, 1)));
  CHECK(settings.peers.deny.contains(core::IpAddress::v4(10, 0, 0, 2)));
  CHECK(settings.clients.stun.contains(core::IpAddress::v4(10, 0, 0, 3)));
  CHECK_FALSE(settings.clients.stun.contains(core::IpAddress::v4(10, 0, 0, 4)));
  CHECK(settings.clients.turn.contains(core::IpAddress::v4(10, 0, 0, 4)));
  CHECK_FALSE(settings.clients.turn.contains(core::IpAddress::v4(10, 0, 0, 3)));
}

TEST_CASE("credentials from variables and files arrive as secrets") {
  GivenSurroundings surroundings;
  surroundings.variables["PASSWORD"] = "from outside";
  surroundings.files["/run/secrets"] = {"new\nold\n", false};
  const auto [settings, problems] =
      read({{"credentials", R"({ "users": { "a": "${PASSWORD}", "b": "literal" },
                                 "shared_secrets_file": "/run/secrets" })"}},
           surroundings);
  CHECK(problems == Lines{});
  CHECK(settings.credentials.users.at("a").reveal() == "from outside");
  CHECK(settings.credentials.users.at("b").reveal() == "literal");
  REQUIRE(settings.credentials.shared_secrets.size() == 2);
  CHECK(settings.credentials.shared_secrets[1].reveal() == "old");
}

TEST_CASE("without any credentials nobody can relay, and that is warned of") {
  CHECK(problems_with({{"credentials", ""}}) ==
        Lines{"warning: no \"credentials\": nobody can relay, the server answers STUN alone"});
  for (const auto* nothing :
       {"{}", R"({ "users": {} })",
        R"({ "users_file": null, "shared_secrets": [], "shared_secrets_file": null })"}) {
    CHECK(
        problems_with({{"credentials", nothing}}) ==
        Lines{
            "warning: /credentials: neither users nor shared secrets: nobody can relay, the server "
            "answers STUN alone"});
  }
}

TEST_CASE("a user's name has 1 to 508 bytes (RFC 8489 section 14.3), a password at least one") {
  const auto user = [](const std::string& name) {
    return problems_with({{"credentials", R"({ "users": { ")" + name + R"(": "p" } })"}});
  };
  CHECK(user(std::string(508, 'u')) == Lines{});
  const std::string longer(509, 'u');
  CHECK(user(longer) == Lines{"error: /credentials/users/" + longer +
                              ": the name is 509 bytes long; expected 1 to 508 bytes"});
  CHECK(user("") == Lines{"error: /credentials/users/: an empty name; expected 1 to 508 bytes"});
  CHECK(problems_with({{"credentials", R"({ "users": { "u": "" } })"}}) ==
        Lines{"error: /credentials/users/u: the secret is empty; expected a secret"});
}

TEST_CASE("users are accepted to the limit of their number, and refused one past it") {
  const auto with = [](std::size_t count) {
    std::string users;
    for (std::size_t i = 0; i < count; ++i)
      users += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"p\"";
    return problems_with({{"credentials", "{ \"users\": {" + users + "} }"}});
  };
  CHECK(with(turnd::kMaxUsers) == Lines{});
  CHECK(with(turnd::kMaxUsers + 1) ==
        Lines{"error: /credentials/users: the object has 10001 members; expected at most 10000"});
}

TEST_CASE("no problem shows a password, wherever it was written") {
  for (const auto* credentials :
       {R"({ "users": "hunter2" })", R"({ "users": ["hunter2"] })",
        R"({ "users": { "u": ["hunter2"] } })",
        R"({ "users": { "u": { "password": "hunter2" } } })", R"({ "shared_secrets": "hunter2" })",
        R"({ "password": "hunter2" })", R"("hunter2")", R"({ "users": { "u": "hunter2${" } })"}) {
    for (const auto& problem : problems_with({{"credentials", credentials}})) {
      CHECK_FALSE(problem.contains("hunter2"));
    }
  }
}

TEST_CASE("limits: 0 is none, and each is accepted at its limit and refused one past it") {
  const auto [settings, problems] =
      read({{"limits", R"({ "allocations": 10000000, "allocations_per_user": 1,
                            "bandwidth_per_allocation": "100GiB", "max_lifetime": "600s" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.limits.allocations == 10'000'000);
  CHECK(settings.limits.allocations_per_user == 1);
  CHECK(settings.limits.bandwidth_per_allocation == turnd::kMaxBandwidth);
  CHECK(settings.limits.max_lifetime == 600s);

  CHECK(
      problems_with({{"limits", R"({ "allocations": 10000001 })"}}) ==
      Lines{"error: /limits/allocations: 10000001 is too large; expected a whole number from 0 to "
            "10000000"});
  CHECK(
      problems_with({{"limits", R"({ "allocations_per_user": -1 })"}}) ==
      Lines{
          "error: /limits/allocations_per_user: -1 is too small; expected a whole number from 0 to "
          "10000000"});
  CHECK(
      problems_with({{"limits", R"({ "bandwidth_per_allocation": 107374182401 })"}}) ==
      Lines{
          "error: /limits/bandwidth_per_allocation: 107374182401 is too large; expected \"100GiB\" "
          "at most"});
}

TEST_CASE("limits: 0 in the contract's keys is no limit at all") {
  const auto [settings, problems] =
      read({{"limits", R"({ "allocations": 0, "allocations_per_user": 0,
      "bandwidth_per_allocation": 0, "bandwidth_per_user": 0,
      "unauthenticated_answers_per_source": 0 })"}});
  CHECK(problems == Lines{});
  CHECK(settings.limits.allocations == config::kNoLimit);
  CHECK(settings.limits.allocations_per_user == config::kNoLimit);
  CHECK(settings.limits.bandwidth_per_allocation == config::kNoLimit);
  CHECK(settings.limits.bandwidth_per_user == config::kNoLimit);
  CHECK(settings.limits.unauthenticated_answers_per_source == 0);
}

TEST_CASE("limits of one allocation's tables and of nonces") {
  const auto [settings, problems] = read({{"limits", R"({ "permissions_per_allocation": 4096,
      "channels_per_allocation": 1, "unauthenticated_answers_per_source": 100000,
      "nonce_lifetime": "10s" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.limits.permissions_per_allocation == 4096);
  CHECK(settings.limits.channels_per_allocation == 1);
  CHECK(settings.limits.unauthenticated_answers_per_source == 100'000);
  CHECK(settings.limits.nonce_lifetime == 10s);
  CHECK(problems_with({{"limits", R"({ "permissions_per_allocation": 4097 })"}}).size() == 1);
  CHECK(problems_with({{"limits", R"({ "channels_per_allocation": 0 })"}}).size() == 1);
  CHECK(problems_with({{"limits", R"({ "unauthenticated_answers_per_source": 100001 })"}}).size() ==
        1);
  CHECK(problems_with({{"limits", R"({ "nonce_lifetime": "9s" })"}}).size() == 1);
}

TEST_CASE("max_lifetime is not below the default lifetime (RFC 8656 section 7.2)") {
  CHECK(problems_with({{"limits", R"({ "max_lifetime": "599s" })"}}) ==
        Lines{"error: /limits/max_lifetime: \"599s\" is too short; expected \"10m\" to \"1d\""});
  CHECK(read({{"limits", R"({ "max_lifetime": "1d" })"}}).settings.limits.max_lifetime == 24h);
  CHECK(problems_with({{"limits", R"({ "max_lifetime": "86401s" })"}}) ==
        Lines{"error: /limits/max_lifetime: \"86401s\" is too long; expected \"10m\" to \"1d\""});
}

TEST_CASE("alternate: a server is sent nobody by itself, so that one list serves a whole fleet") {
  const auto [settings, problems] =
      read({{"listeners", R"([{ "transport": "udp", "address": "10.0.0.1:3478" }])"},
            {"relay", R"({ "addresses": ["10.0.0.1"],
                      "external_addresses": { "10.0.0.1": "192.0.2.1", "10.0.0.2": "192.0.2.2" } })"},
            {"alternate", R"({ "servers": ["192.0.2.1:3478", "192.0.2.2:3478", "10.0.0.1:3478",
                                      "192.0.2.1:3480"] })"}});
  CHECK(problems == Lines{});
  REQUIRE(settings.alternate.servers.size() == 2);
  CHECK(settings.alternate.servers[0].to_string() == "192.0.2.2:3478");
  CHECK(settings.alternate.servers[1].to_string() == "192.0.2.1:3480"); // another one, there
}

TEST_CASE("alternate: servers, their domain, and when clients are sent there") {
  const auto [settings, problems] = read({{"alternate", R"({ "servers": ["192.0.2.7:3478",
      "[2001:db8::7]:3478"], "domain": "turn.example.com", "when": "always" })"}});
  CHECK(problems == Lines{});
  REQUIRE(settings.alternate.servers.size() == 2);
  CHECK(settings.alternate.servers[1].to_string() == "[2001:db8::7]:3478");
  CHECK(settings.alternate.domain == "turn.example.com");
  CHECK(settings.alternate.when == turnd::Settings::Alternate::When::always);
  CHECK(read({{"alternate", R"({ "servers": ["192.0.2.7:3478"] })"}}).settings.alternate.when ==
        turnd::Settings::Alternate::When::full);
  CHECK(problems_with({{"alternate", R"({ "servers": [] })"}}).size() == 1);
  CHECK(problems_with({{"alternate", "{}"}}).size() == 1);
  CHECK(
      problems_with({{"alternate", R"({ "servers": ["192.0.2.7:0", "0.0.0.0:3478"] })"}}).size() ==
      2);
}

TEST_CASE("alternate: by load takes the file of loads, which is of no use otherwise") {
  const auto [settings, problems] = read({{"alternate", R"({ "servers": ["192.0.2.7:3478"],
      "when": "busier", "loads_file": "/run/turn.loads" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.alternate.when == turnd::Settings::Alternate::When::busier);
  CHECK(settings.alternate.loads_file == "/run/turn.loads");
  const auto problems_of = [](const std::string& members) {
    return problems_with({{"alternate", R"({ "servers": ["192.0.2.7:3478"], )" + members + " }"}});
  };
  CHECK(problems_of(R"("when": "busier")") ==
        Lines{R"(error: /alternate/when: "busier" needs to know how busy the others are; )"
              R"(expected "loads_file" beside it, which deploy/turn_loads writes)"});
  CHECK(problems_of(R"("loads_file": "/run/turn.loads")") ==
        Lines{"error: /alternate/loads_file: loads are of use with \"busier\" alone; "
              "expected \"when\": \"busier\""});
  CHECK(problems_of(R"("when": "draining", "loads_file": "/run/turn.loads")").size() == 1);
  CHECK(problems_of(R"("when": "busier", "loads_file": 7)").size() == 1);
  CHECK(problems_of(R"("when": "busiest", "loads_file": "/run/turn.loads")").size() == 1);
}

TEST_CASE("offload: off unless it is asked for, and on which interfaces") {
  using Mode = turnd::Settings::Offload::Mode;
  CHECK(read({}).settings.offload.mode == Mode::off);
  CHECK(read({{"offload", "{}"}}).settings.offload.mode == Mode::off);
  CHECK(read({{"offload", R"({ "mode": "auto" })"}}).settings.offload.mode == Mode::automatic);
  const auto [settings, problems] =
      read({{"offload", R"({ "mode": "xdp", "interfaces": ["eth0", "eth1"] })"}});
  CHECK(problems == Lines{});
  CHECK(settings.offload.mode == Mode::xdp);
  CHECK(settings.offload.interfaces == std::vector<std::string>{"eth0", "eth1"});
  CHECK(problems_with({{"offload", R"({ "mode": "on" })"}}).size() == 1);
  CHECK(problems_with({{"offload", R"({ "interfaces": ["eth0", "eth0"] })"}}).size() == 1);
  CHECK(problems_with({{"offload", R"({ "interfaces": ["a-name-of-16-byte"] })"}}).size() == 1);
}

TEST_CASE("the log has a level and a format") {
  const auto [settings, problems] = read({{"log", R"({ "level": "warning", "format": "json" })"}});
  CHECK(problems == Lines{});
  CHECK(settings.log.level == logging::Level::warning);
  CHECK(settings.log.format == logging::Format::json);
  CHECK(problems_with({{"log", R"({ "level": "warn" })"}}) ==
        Lines{"error: /log/level: \"warn\" is unknown (did you mean \"warning\"?); expected one of "
              "\"debug\", \"info\", "
              "\"warning\", \"error\""});
}

TEST_CASE("both ways of looking at the daemon can be switched off") {
  const auto [settings, problems] = read({{"admin", R"({ "address": null, "socket": null })"}});
  CHECK(problems == Lines{});
  CHECK(settings.admin.address == std::nullopt);
  CHECK(settings.admin.socket == std::nullopt);
}

TEST_CASE("all problems of a file are found at once") {
  CHECK(problems_with({{"realm", "\"\""},
                       {"workers", "-1"},
                       {"relay", R"({ "addresses": ["x"], "ports": [] })"},
                       {"log", R"({ "format": "xml" })"}})
            .size() == 5);
}

TEST_CASE("third-party authorization has a name and keys, decoded, each of its algorithm's size") {
  const std::string long_key = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
  const auto with = [](const std::string& keys) {
    return read({{"credentials",
                  R"({ "oauth": { "server_name": "turn.example.com", "keys": )" + keys + " } }"}});
  };
  const auto [settings, problems] = with(
      R"([{ "kid": "north", "key": ")" + long_key +
      R"(" }, { "kid": "south", "key": "MTIzNDU2Nzg5MDEyMzQ1Ng==", "algorithm": "A128GCM" }])");
  CHECK(problems == Lines{});
  REQUIRE(settings.credentials.oauth);
  CHECK(settings.credentials.oauth->server_name == "turn.example.com");
  REQUIRE(settings.credentials.oauth->keys.size() == 2);
  CHECK(settings.credentials.oauth->keys[0].key.reveal() == "12345678901234567890123456789012");
  CHECK(settings.credentials.oauth->keys[1].algorithm == stun::TokenAlgorithm::a128gcm);

  const std::string at = "error: /credentials/oauth/keys";
  CHECK(with("[]").problems == Lines{at + ": the list is empty; expected at least one key"});
  CHECK(with(R"([{ "kid": "a", "key": "MTIzNDU2Nzg5MDEyMzQ1Ng==" }])").problems ==
        Lines{at + "/0/key: the key doesn't fit its algorithm; expected 32 bytes in base64"});
  CHECK(with(R"([{ "kid": "a", "key": "not base64!" }])").problems ==
        Lines{at + "/0/key: the key doesn't fit its algorithm; expected 32 bytes in base64"});
  CHECK(with(R"([{ "kid": "a" }])").problems ==
        Lines{at + "/0: \"key\" is missing; expected the key in base64, or \"key_file\""});
  const std::string twice = R"({ "kid": "a", "key": ")" + long_key + "\" }";
  CHECK(with("[" + twice + "," + twice + "]").problems ==
        Lines{at + "/1: \"a\" is listed already; expected each key once"});
}

TEST_CASE("an external address without the own one is that of all relay addresses of its family") {
  const auto relay = [](const std::string& members) {
    return read({{"relay", "{ \"addresses\": [\"10.0.0.1\", \"10.0.0.2\", \"2001:db8::1\"], " +
                               members + " }"}});
  };
  const auto address = [](const char* text) { return *core::IpAddress::parse(text); };
  const auto one = relay(R"("external_address": ["192.0.2.1"])");
  CHECK(one.problems == Lines{});
  CHECK(one.settings.relay.external_addresses ==
        std::map<core::IpAddress, core::IpAddress>{{address("10.0.0.1"), address("192.0.2.1")},
                                                   {address("10.0.0.2"), address("192.0.2.1")}});
  const auto both = relay(
      R"("external_addresses": { "10.0.0.2": "192.0.2.2" }, "external_address": ["192.0.2.1"])");
  CHECK(both.settings.relay.external_addresses.at(address("10.0.0.2")) == address("192.0.2.2"));
  CHECK(
      relay(R"("external_address": ["192.0.2.1", "192.0.2.2"])").problems ==
      Lines{"error: /relay/external_address/1: \"192.0.2.2\" is the second of its family; expected "
            "one IPv4 and one IPv6 address at most"});
}

TEST_CASE("one user may be named by a value, with a password in a file") {
  GivenSurroundings surroundings;
  surroundings.variables["USER"] = "pexip";
  surroundings.files["/p"] = {"hunter2\n", false};
  const auto found = read(
      {{"credentials", R"({ "user": "${USER}", "password_file": "/p", "users": { "b": "c" } })"}},
      surroundings);
  CHECK(found.problems == Lines{});
  CHECK(found.settings.credentials.users.size() == 2);
  CHECK(found.settings.credentials.users.at("pexip").reveal() == "hunter2");

  CHECK(
      problems_with({{"credentials", R"({ "user": "a" })"}}) ==
      Lines{
          "error: /credentials/user: a user without a password; expected \"password_file\" beside "
          "it"});
  CHECK(problems_with({{"credentials", R"({ "password": "b" })"}}) ==
        Lines{"error: /credentials: a password without a user; expected \"user\" beside it"});
  CHECK(problems_with(
            {{"credentials", R"({ "user": "a", "password": "b", "users": { "a": "c" } })"}}) ==
        Lines{"error: /credentials/user: this user is among \"users\" already; expected each user "
              "once"});
}
