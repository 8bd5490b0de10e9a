#include "turnd/relay/peer_policy.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using turn_test::networks;

core::IpAddress ip(const char* text) { return core::IpAddress::parse(text).value(); }

TEST_CASE("rule 33: private and special addresses are denied from the start, others are not") {
  const turnd::PeerPolicy policy({}, {}, {});
  for (const char* denied : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.1",
                             "100.64.0.1",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.0.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "198.18.0.1",
                             "224.0.0.1",
                             "239.255.255.255",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "fc00::1",
                             "fdff::1",
                             "fe80::1",
                             "ff02::1",
                             "2001::1"}) {
    CAPTURE(denied);
    CHECK_FALSE(policy.allows(ip(denied)));
  }
  for (const char* allowed : {"1.1.1.1", "172.15.255.255", "172.32.0.1", "192.169.0.1",
                              "203.0.113.9", "223.255.255.255", "2a00::1", "2001:db8::1"}) {
    CAPTURE(allowed);
    CHECK(policy.allows(ip(allowed)));
  }
}

TEST_CASE(
    "rule 33: an IPv4 address inside an IPv6 one is judged before the list (CVE-2026-27624)") {
  const turnd::PeerPolicy policy({}, {}, {});
  for (const char* denied : {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1",
                             "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::127.0.0.1",
                             "64:ff9b::192.168.0.1", "64:ff9b:1::7f00:1", "::ffff:0:127.0.0.1"}) {
    CAPTURE(denied);
    CHECK_FALSE(policy.allows(ip(denied)));
  }
  CHECK(policy.allows(ip("64:ff9b::203.0.113.9")));
}

TEST_CASE("rule 33: an embedded address must pass in both forms") {
  const turnd::PeerPolicy policy({}, networks({"64:ff9b::/96"}), {});
  CHECK_FALSE(policy.allows(ip("64:ff9b::203.0.113.9")));
  CHECK(policy.allows(ip("203.0.113.9")));
}

TEST_CASE("the most specific network decides") {
  const turnd::PeerPolicy nodes(networks({"10.40.0.0/24"}), {}, {});
  CHECK(nodes.allows(ip("10.40.0.10")));
  CHECK_FALSE(nodes.allows(ip("10.40.1.10")));

  const turnd::PeerPolicy only_nodes(networks({"10.40.0.0/24"}), networks({"any"}), {});
  CHECK(only_nodes.allows(ip("10.40.0.10")));
  CHECK_FALSE(only_nodes.allows(ip("203.0.113.9")));
  CHECK_FALSE(only_nodes.allows(ip("2a00::1")));

  const turnd::PeerPolicy all_but_one(networks({"10.0.0.0/8"}), networks({"10.0.0.1"}), {});
  CHECK(all_but_one.allows(ip("10.0.0.2")));
  CHECK_FALSE(all_but_one.allows(ip("10.0.0.1")));

  const turnd::PeerPolicy careless(networks({"any"}), {}, {});
  CHECK(careless.allows(ip("203.0.113.9")));
  CHECK_FALSE(careless.allows(ip("127.0.0.1")));
  CHECK_FALSE(careless.allows(ip("10.0.0.1")));

  const turnd::PeerPolicy loopback(networks({"127.0.0.0/8"}), {}, {});
  CHECK(loopback.allows(ip("127.0.0.1")));

  const turnd::PeerPolicy tie(networks({"203.0.113.0/24"}), networks({"203.0.113.0/24"}), {});
  CHECK_FALSE(tie.allows(ip("203.0.113.9")));
}

TEST_CASE("rule 33: the server's own listeners are known by address and port") {
  const turnd::PeerPolicy policy({}, {},
                                 {.listeners = {turn_test::address_of("198.51.100.130:3478")},
                                  .relays = {},
                                  .relay_ports = {}});
  CHECK(policy.is_own_listener(core::SocketAddress::parse("198.51.100.130:3478").value()));
  CHECK_FALSE(policy.is_own_listener(core::SocketAddress::parse("198.51.100.130:3479").value()));
  CHECK(policy.allows(ip("198.51.100.130")));
}

TEST_CASE("rule 33: our own relay addresses are peers, private or not, on relay ports alone") {
  const turnd::OwnAddresses own{.listeners = {turn_test::address_of("10.0.0.5:3478"),
                                              turn_test::address_of("10.0.0.5:50000")},
                                .relays = {ip("10.0.0.5"), ip("203.0.113.5")},
                                .relay_ports = {.first = 50000, .last = 50999}};
  const auto allows = [](const turnd::PeerPolicy& policy, const char* text) {
    const auto peer = turn_test::address_of(text);
    return policy.allows(peer.ip()) && policy.allows_port(peer);
  };
  const turnd::PeerPolicy policy({}, {}, own);
  CHECK(allows(policy, "10.0.0.5:50001"));
  CHECK(allows(policy, "10.0.0.5:50999"));
  CHECK(allows(policy, "203.0.113.5:50001"));
  for (const char* denied :
       {"10.0.0.5:3478", "10.0.0.5:50000", "10.0.0.5:49999", "10.0.0.5:51000", "10.0.0.5:53",
        "203.0.113.5:53", "10.0.0.6:50001", "[::ffff:10.0.0.5]:50001"}) {
    CAPTURE(denied);
    CHECK_FALSE(allows(policy, denied));
  }
  const turnd::PeerPolicy restricted({}, networks({"any"}), own);
  CHECK_FALSE(allows(restricted, "10.0.0.5:50001"));
  const turnd::PeerPolicy apart({}, networks({"10.0.0.5"}), own);
  CHECK_FALSE(allows(apart, "10.0.0.5:50001"));
  const turnd::PeerPolicy careless(networks({"any"}), {}, own);
  CHECK_FALSE(allows(careless, "203.0.113.5:53"));
  const turnd::PeerPolicy by_name(networks({"10.0.0.5"}), {}, own);
  CHECK(allows(by_name, "10.0.0.5:53"));
  CHECK_FALSE(allows(by_name, "10.0.0.5:3478"));
}

} // namespace
