#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using turnd::DropReason;

struct Allocated : Scene {
  explicit Allocated(const Options& options = {}) : Scene(options), alice("alice", "wonder") {
    REQUIRE(allocate(alice, Client::lifetime(3600)).is_success());
  }
  int permit(std::vector<const char*> peers) {
    return request(alice, stun::Method::create_permission, Client::peers(std::move(peers))).error();
  }
  int bind(std::uint16_t number, const char* peer) {
    return request(alice, stun::Method::channel_bind, Client::channel(number, peer)).error();
  }
  bool hears(const char* peer) { return feed_peer(last_relay(), peer, "x").to_client.has_value(); }
  // The nonce lives for 600 s only.
  void pass_and_renew(core::Duration time) {
    pass(time);
    challenge(alice);
  }
  Client alice;
};

TEST_CASE("rule 20: a permission is by IP, for any port, for 300 s") {
  Allocated scene;
  CHECK_FALSE(scene.hears("203.0.113.9:5000"));
  CHECK(scene.permit({"203.0.113.9:1"}) == 0);
  CHECK(scene.hears("203.0.113.9:5000"));
  CHECK(scene.hears("203.0.113.9:6000"));
  CHECK_FALSE(scene.hears("203.0.113.10:5000"));
  scene.pass(seconds(299));
  CHECK(scene.hears("203.0.113.9:5000"));
  scene.pass(seconds(1));
  CHECK_FALSE(scene.hears("203.0.113.9:5000"));
}

TEST_CASE("rule 20: data never refreshes a permission, CreatePermission and ChannelBind do") {
  Allocated scene;
  REQUIRE(scene.permit({"203.0.113.9:1"}) == 0);
  scene.pass(seconds(200));
  CHECK(scene.hears("203.0.113.9:5000"));
  CHECK(scene.feed(scene.alice, scene.alice.send_indication("203.0.113.9:1", "x")).to_peer);
  scene.pass(seconds(100));
  CHECK_FALSE(scene.hears("203.0.113.9:5000"));
  CHECK_FALSE(scene.feed(scene.alice, scene.alice.send_indication("203.0.113.9:1", "x")).to_peer);

  REQUIRE(scene.permit({"203.0.113.9:1"}) == 0);
  scene.pass(seconds(200));
  REQUIRE(scene.bind(0x4000, "203.0.113.9:7") == 0);
  scene.pass(seconds(200));
  CHECK(scene.hears("203.0.113.9:5000"));
}

TEST_CASE("rule 21: CreatePermission with several peers is all or nothing") {
  Allocated scene;
  CHECK(scene.permit({"203.0.113.9:1", "127.0.0.1:1"}) == 403);
  CHECK_FALSE(scene.hears("203.0.113.9:1"));
  CHECK(scene.permit({"203.0.113.9:1", "[2001:db8::9]:1"}) == 443);
  CHECK_FALSE(scene.hears("203.0.113.9:1"));
  CHECK(scene.permit({"203.0.113.9:1", "203.0.113.10:1"}) == 0);
  CHECK(scene.hears("203.0.113.9:1"));
  CHECK(scene.hears("203.0.113.10:1"));
  CHECK(scene.permit({}) == 400);
  CHECK(scene
            .request(scene.alice, stun::Method::create_permission,
                     [](auto& m) {
                       m.add_xor_address(Attribute::xor_peer_address,
                                         core::SocketAddress::parse("203.0.113.11:1").value());
                       m.add_text(Attribute::xor_peer_address, "abc");
                     })
            .error() == 400);
  CHECK_FALSE(scene.hears("203.0.113.11:1"));
}

TEST_CASE("rule 21: the limit counts neither refreshes nor a peer named twice as new") {
  Options options;
  options.limits.permissions_per_allocation = 2;
  Allocated scene(options);
  CHECK(scene.permit({"203.0.113.1:1", "203.0.113.2:1", "203.0.113.1:2"}) == 0);
  CHECK(scene.permit({"203.0.113.2:1", "203.0.113.1:1"}) == 0);
  CHECK(scene.permit({"203.0.113.1:1", "203.0.113.3:1"}) == 508);
  CHECK_FALSE(scene.hears("203.0.113.3:1"));
  CHECK(scene.bind(0x4000, "203.0.113.3:1") == 508);
  CHECK(scene.bind(0x4000, "203.0.113.2:1") == 0);
  scene.pass(seconds(300));
  CHECK(scene.permit({"203.0.113.3:1", "203.0.113.4:1"}) == 0);
}

TEST_CASE("rule 22: channels are 0x4000 to 0x4fff") {
  Allocated scene;
  CHECK(scene.bind(0x3fff, "203.0.113.9:1") == 400);
  CHECK(scene.bind(0x5000, "203.0.113.9:1") == 400);
  CHECK(scene.bind(0x7fff, "203.0.113.9:1") == 400);
  CHECK(scene.bind(0x4000, "203.0.113.9:1") == 0);
  CHECK(scene.bind(0x4fff, "203.0.113.9:2") == 0);
}

TEST_CASE("channels of RFC 5766 up to 0x7fff can be allowed, and carry data") {
  Options options;
  options.last_channel = stun::kLastChannelRfc5766;
  Allocated scene(options);
  CHECK(scene.bind(0x3fff, "203.0.113.9:1") == 400);
  CHECK(scene.bind(0x8000, "203.0.113.9:1") == 400);
  CHECK(scene.bind(0x7fff, "203.0.113.9:1") == 0);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x7fff, "x")).to_peer);
}

TEST_CASE("rule 22: the same pair again refreshes for 600 s, anything else is 400") {
  Allocated scene;
  REQUIRE(scene.bind(0x4000, "203.0.113.9:1") == 0);
  CHECK(scene.bind(0x4000, "203.0.113.9:2") == 400);
  CHECK(scene.bind(0x4001, "203.0.113.9:1") == 400);
  scene.pass_and_renew(seconds(500));
  CHECK(scene.bind(0x4000, "203.0.113.9:1") == 0);
  scene.pass_and_renew(seconds(500));
  CHECK(scene.bind(0x4000, "203.0.113.9:2") == 400); // still bound, since refreshed
  scene.pass_and_renew(seconds(100));
  CHECK(scene.bind(0x4000, "203.0.113.9:2") == 0);
  CHECK(scene.bind(0x4001, "203.0.113.9:1") == 0);
}

TEST_CASE("rule 22: the permission can lapse while the channel lives, and then nothing passes") {
  Allocated scene;
  REQUIRE(scene.bind(0x4000, "203.0.113.9:1") == 0);
  scene.pass_and_renew(seconds(300));
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4000, "x")).dropped ==
        DropReason::no_permission);
  CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.9:1", "x").dropped ==
        DropReason::no_permission);
  REQUIRE(scene.permit({"203.0.113.9:1"}) == 0);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4000, "x")).to_peer);
  const auto back = scene.feed_peer(scene.last_relay(), "203.0.113.9:1", "x");
  REQUIRE(back.to_client);
  CHECK(stun::parse_channel_data(*back.to_client)->number == 0x4000);
}

TEST_CASE("ChannelBind without number or peer, with RFFU cut off, or with port 0 is 400") {
  Allocated scene;
  const auto error = [&](const Client::Fill& fill) {
    return scene.request(scene.alice, stun::Method::channel_bind, fill).error();
  };
  CHECK(error({}) == 400);
  CHECK(error(Client::peers({"203.0.113.9:1"})) == 400);
  CHECK(error([](auto& m) { m.add_u32(Attribute::channel_number, 0x40000000); }) == 400);
  CHECK(error(Client::both([](auto& m) { m.add_text(Attribute::channel_number, "@"); },
                           Client::peers({"203.0.113.9:1"}))) == 400);
  CHECK(scene.bind(0x4000, "203.0.113.9:0") == 400);
}

TEST_CASE("the number of channels is limited; refreshes are not counted") {
  Options options;
  options.limits.channels_per_allocation = 2;
  Allocated scene(options);
  CHECK(scene.bind(0x4000, "203.0.113.9:1") == 0);
  CHECK(scene.bind(0x4001, "203.0.113.9:2") == 0);
  CHECK(scene.bind(0x4002, "203.0.113.9:3") == 508);
  CHECK(scene.bind(0x4001, "203.0.113.9:2") == 0);
}

TEST_CASE("rule 23: a denied peer is 403 on CreatePermission and ChannelBind") {
  Allocated scene;
  for (const char* peer : {"127.0.0.1:1", "10.1.2.3:1", "169.254.1.1:1", "224.0.0.1:1", "0.0.0.0:1",
                           "255.255.255.255:1"}) {
    CHECK(scene.permit({peer}) == 403);
    CHECK(scene.bind(0x4000, peer) == 403);
  }
}

TEST_CASE("a peer of a family without a relay address is 443 (RFC 8656 10.2, 12.2)") {
  Allocated scene;
  CHECK(scene.permit({"[2001:db8::9]:1"}) == 443);
  CHECK(scene.bind(0x4000, "[2001:db8::9]:1") == 443);
  CHECK(scene.permit({"[::ffff:203.0.113.9]:1"}) == 443);
}

TEST_CASE("rule 33: the server's own listeners are no peers; its relay addresses are") {
  Allocated scene;
  CHECK(scene.bind(0x4000, "198.51.100.130:3478") == 403);
  CHECK(scene.permit({"198.51.100.130:3478"}) == 0); // by IP: two of our clients may meet
  CHECK(scene.feed(scene.alice, scene.alice.send_indication("198.51.100.130:3478", "x")).dropped ==
        DropReason::forbidden_peer);
  CHECK(scene.feed(scene.alice, scene.alice.send_indication("198.51.100.130:50001", "x")).to_peer);
}

} // namespace
