#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;

TEST_CASE("rule 18: requests without an allocation get 437") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  CHECK(scene.request(alice, stun::Method::refresh).error() == 437);
  CHECK(scene.request(alice, stun::Method::create_permission, Client::peers({"203.0.113.9:1"}))
            .error() == 437);
  CHECK(scene.request(alice, stun::Method::channel_bind, Client::channel(0x4000, "203.0.113.9:1"))
            .error() == 437);
}

TEST_CASE("rule 19: lifetime 0 deletes, and its retransmission gets 437") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  const auto deleted = scene.request(alice, stun::Method::refresh, Client::lifetime(0));
  REQUIRE(deleted.is_success());
  CHECK(deleted.answer->u32(Attribute::lifetime) == 0);
  CHECK(scene.closed == std::vector{scene.last_relay()});
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.quota.taken() == 0);
  const auto again = scene.feed(
      alice, alice.again(stun::Method::refresh, stun::Class::request, Client::lifetime(0), true));
  CHECK(again.error() == 437);
}

TEST_CASE("a Refresh sets the lifetime anew, clamped like an Allocate's (RFC 8656 8.2)") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  scene.pass(seconds(500));
  CHECK(scene.request(alice, stun::Method::refresh).answer->u32(Attribute::lifetime) == 600);
  scene.pass(seconds(500));
  scene.challenge(alice);
  CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(1000))
            .answer->u32(Attribute::lifetime) == 1000);
  CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(1))
            .answer->u32(Attribute::lifetime) == 600);
  CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(1'000'000))
            .answer->u32(Attribute::lifetime) == 3600);
  scene.pass(seconds(3599));
  CHECK(scene.server.allocation_count() == 1);
  scene.pass(seconds(2));
  CHECK(scene.server.allocation_count() == 0);
}

TEST_CASE("rule 19: a family that the allocation doesn't have is 443") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  const auto family = [](std::uint8_t number) {
    return Client::both(Client::lifetime(0),
                        Client::family(Attribute::requested_address_family, number));
  };
  CHECK(scene.request(alice, stun::Method::refresh, family(stun::kFamilyIpv6)).error() == 443);
  CHECK(scene.request(alice, stun::Method::refresh, family(7)).error() == 443);
  CHECK(scene.server.allocation_count() == 1);
  CHECK(scene.request(alice, stun::Method::refresh, family(stun::kFamilyIpv4)).is_success());
  CHECK(scene.server.allocation_count() == 0);
}

TEST_CASE("rule 19: of a dual allocation only that family goes") {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130"), relay_address("2001:db8::130")};
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(
      scene.allocate(alice, Client::family(Attribute::additional_address_family, stun::kFamilyIpv6))
          .is_success());
  const auto give_up = [](std::uint8_t number) {
    return Client::both(Client::lifetime(0),
                        Client::family(Attribute::requested_address_family, number));
  };
  REQUIRE(scene.request(alice, stun::Method::refresh, give_up(stun::kFamilyIpv4)).is_success());
  CHECK(scene.closed == std::vector{scene.opened[0].relay});
  CHECK(scene.request(alice, stun::Method::create_permission, Client::peers({"203.0.113.9:1"}))
            .error() == 443);
  CHECK(scene.request(alice, stun::Method::create_permission, Client::peers({"[2001:db8::9]:1"}))
            .is_success());
  REQUIRE(scene.request(alice, stun::Method::refresh, give_up(stun::kFamilyIpv6)).is_success());
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.closed.size() == 2);
}

TEST_CASE("a malformed LIFETIME or family in a Refresh is 400") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  CHECK(scene
            .request(alice, stun::Method::refresh,
                     [](auto& m) { m.add_text(Attribute::lifetime, "x"); })
            .error() == 400);
  CHECK(scene
            .request(alice, stun::Method::refresh,
                     [](auto& m) { m.add_text(Attribute::requested_address_family, "\1"); })
            .error() == 400);
}

TEST_CASE("an allocation ends with the connection that it was made on") {
  Scene scene;
  Client alice("alice", "wonder");
  alice.five_tuple.transport = turnd::Transport::tcp;
  REQUIRE(scene.allocate(alice).is_success());
  scene.server.client_gone(alice.five_tuple, scene.now);
  scene.pass(seconds(0));
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.closed == std::vector{scene.last_relay()});
  scene.server.client_gone(alice.five_tuple, scene.now); // nobody's
  CHECK(scene.nothing_left());
}

} // namespace
