// ICMP from peers and routers, as clients are told of it (RFC 8656 section 11.5).
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using core::Family;
using std::chrono::seconds;
using stun::Attribute;
using turnd::DropReason;
using turnd::IcmpAllowance;
using turnd::IcmpError;

constexpr const char* kPeer = "203.0.113.9:5000";
constexpr IcmpError kPortUnreachable{.family = Family::ipv4, .type = 3, .code = 3};

struct Relaying : Scene {
  Relaying() {
    REQUIRE(allocate(alice).is_success());
    REQUIRE(request(alice, stun::Method::create_permission, Client::peers({kPeer})).is_success());
  }
  Client alice{"alice", "wonder"};
};

TEST_CASE("rule 30: an ICMP error becomes a Data indication with ICMP attribute (RFC 8656 11.5)") {
  Relaying scene;
  const auto result = scene.feed_icmp(scene.last_relay(), kPeer, kPortUnreachable);
  REQUIRE(result.answer);
  CHECK(result.tag == scene.alice.tag);
  CHECK(result.answer->message().method() == stun::Method::data);
  CHECK(result.answer->message().message_class() == stun::Class::indication);
  CHECK(result.answer->address(Attribute::xor_peer_address)->to_string() == kPeer);
  CHECK(
      result.answer->all(Attribute::icmp) ==
      std::vector<Buffer>{Buffer{0, 0, 3 << 1, 3, 0, 0, 0, 0}}); // 18.13: 7 bits of type, 9 of code
  CHECK_FALSE(result.answer->has(Attribute::data));
  CHECK(scene.server.counters().icmp_to_clients == 1);
  CHECK(scene.nothing_left());
}

TEST_CASE("rule 30: the types that are relayed, and the MTU where there is one (RFC 8656 18.13)") {
  const auto value = [](Family family, std::uint8_t type, std::uint8_t code) {
    const auto found = turnd::icmp_value({family, type, code, 1400});
    return found ? std::optional(std::pair(found->type_and_code, found->error_data)) : std::nullopt;
  };
  using Value = std::pair<std::uint32_t, std::uint32_t>;
  CHECK(value(Family::ipv4, 3, 1) == Value(3 << 9 | 1, 0));
  CHECK(value(Family::ipv4, 3, 4) == Value(3 << 9 | 4, 1400));
  CHECK(value(Family::ipv4, 11, 0) == Value(11 << 9, 0));
  CHECK(value(Family::ipv6, 1, 4) == Value(1 << 9 | 4, 0));
  CHECK(value(Family::ipv6, 2, 0) == Value(2 << 9, 1400));
  CHECK(value(Family::ipv6, 3, 1) == Value(3 << 9 | 1, 0));
  for (const int type : {0, 4, 5, 8, 12}) {
    CHECK_FALSE(value(Family::ipv4, static_cast<std::uint8_t>(type), 0));
  }
  for (const int type : {4, 11, 128, 135}) {
    CHECK_FALSE(value(Family::ipv6, static_cast<std::uint8_t>(type), 0));
  }
}

TEST_CASE("rule 30: ICMP about a peer without a permission, or for no allocation, is dropped") {
  Relaying scene;
  CHECK(scene.feed_icmp(scene.last_relay(), "203.0.113.10:5000", kPortUnreachable).dropped ==
        DropReason::no_permission);
  CHECK(scene.feed_icmp(scene.last_relay(), kPeer, {Family::ipv4, 5, 1}).dropped ==
        DropReason::icmp_not_relayed);
  CHECK(scene.feed_icmp({99, 1}, kPeer, kPortUnreachable).dropped == DropReason::unknown_relay);
  scene.pass(seconds(301));
  CHECK(scene.feed_icmp(scene.last_relay(), kPeer, kPortUnreachable).dropped ==
        DropReason::no_permission);
}

TEST_CASE("a client is told of so many ICMP errors a second, and its allocation lives on") {
  Relaying scene;
  for (std::uint32_t i = 0; i < IcmpAllowance::kPerSecond; ++i) {
    CHECK(scene.feed_icmp(scene.last_relay(), kPeer, kPortUnreachable).answer);
  }
  CHECK(scene.feed_icmp(scene.last_relay(), kPeer, kPortUnreachable).dropped ==
        DropReason::icmp_limited);
  scene.pass(seconds(1));
  CHECK(scene.feed_icmp(scene.last_relay(), kPeer, kPortUnreachable).answer);
  CHECK(scene.feed(scene.alice, scene.alice.send_indication(kPeer, "x")).to_peer);
}

TEST_CASE("the longest ICMP indication fits its room") {
  Options options;
  options.relay_addresses = {relay_address("2001:db8::130")};
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(
      scene.allocate(alice, Client::family(Attribute::requested_address_family, stun::kFamilyIpv6))
          .is_success());
  REQUIRE(scene.request(alice, stun::Method::create_permission, Client::peers({"[2a00::9]:1"}))
              .is_success());
  const auto result =
      scene.feed_icmp(scene.last_relay(), "[2a00::9]:6000", {Family::ipv6, 2, 0, 1280});
  REQUIRE(result.answer);
  CHECK(result.to_client->size() <= turnd::Server::kIcmpRoom);
  CHECK(result.answer->address(Attribute::xor_peer_address)->to_string() == "[2a00::9]:6000");
  CHECK(result.answer->all(Attribute::icmp) == std::vector<Buffer>{Buffer{0, 0, 4, 0, 0, 0, 5, 0}});
}

} // namespace
