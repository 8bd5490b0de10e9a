// Two clients of one server, each the other's peer.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using stun::Attribute;
using turnd::DropReason;

struct TwoClients : Scene {
  explicit TwoClients(const Options& options) : Scene(options) {
    a = relayed(alice);
    alices = last_relay();
    b = relayed(bob);
    bobs = last_relay();
  }
  std::string relayed(Client& client) {
    const auto answer = allocate(client);
    REQUIRE(answer.is_success());
    return answer.answer->address(Attribute::xor_relayed_address)->to_string();
  }
  // What alice's relay socket sends, as it arrives at bob's: from the address it is bound to.
  Result across(const SentToPeer& sent) {
    CHECK(sent.relay == alices);
    CHECK(sent.peer == opened[1].address);
    return feed_peer(bobs, opened[0].address.to_string().c_str(), sent.payload);
  }

  Client alice{"alice", "wonder"};
  Client bob{"bob", "builder", "192.0.2.8:40000"};
  std::string a, b;
  turnd::RelayId alices, bobs;
};

void meet(TwoClients& scene) {
  REQUIRE(
      scene.request(scene.alice, stun::Method::create_permission, Client::peers({scene.b.c_str()}))
          .is_success());
  REQUIRE(
      scene.request(scene.bob, stun::Method::create_permission, Client::peers({scene.a.c_str()}))
          .is_success());
  const auto indication = scene.across(required(
      scene.feed(scene.alice, scene.alice.send_indication(scene.b.c_str(), "hi")).to_peer));
  REQUIRE(indication.answer);
  CHECK(indication.answer->address(Attribute::xor_peer_address)->to_string() == scene.a);
  CHECK(indication.answer->text(Attribute::data) == "hi");

  REQUIRE(scene
              .request(scene.alice, stun::Method::channel_bind,
                       Client::channel(0x4001, scene.b.c_str()))
              .is_success());
  REQUIRE(
      scene.request(scene.bob, stun::Method::channel_bind, Client::channel(0x4002, scene.a.c_str()))
          .is_success());
  const auto data =
      scene.across(required(scene.feed(scene.alice, Client::channel_data(0x4001, "hi")).to_peer));
  CHECK(data.to_client == Client::channel_data(0x4002, "hi"));
}

TEST_CASE("rule 33: two clients meet at their relay addresses, though these are private") {
  Options options;
  options.relay_addresses = {relay_address("10.0.0.5")};
  TwoClients scene(options);
  CHECK(scene.b.starts_with("10.0.0.5:"));
  meet(scene);
}

TEST_CASE("behind a static NAT two clients meet at their outside addresses, without the NAT") {
  Options options;
  options.relay_addresses = {relay_address("10.0.0.5", "198.51.100.130")};
  TwoClients scene(options);
  CHECK(scene.b.starts_with("198.51.100.130:"));
  meet(scene);
  const auto told = scene.feed_icmp(scene.alices, scene.opened[1].address.to_string().c_str(),
                                    {core::Family::ipv4, 3, 3, 0});
  REQUIRE(told.answer);
  CHECK(told.answer->address(Attribute::xor_peer_address)->to_string() == scene.b);
}

TEST_CASE("behind a static NAT other addresses and unused ports are left as they are") {
  Options options;
  options.relay_addresses = {relay_address("10.0.0.5", "198.51.100.130")};
  options.allow = networks({"10.0.0.0/24"});
  TwoClients scene(options);
  REQUIRE(scene
              .request(scene.alice, stun::Method::create_permission,
                       Client::peers({"198.51.100.130:1", "10.0.0.5:1", "203.0.113.9:1"}))
              .is_success());
  for (const char* peer : {"203.0.113.9:50000", "10.0.0.5:50999"}) {
    const auto sent = scene.feed(scene.alice, scene.alice.send_indication(peer, "x"));
    CHECK(required(sent.to_peer).peer.to_string() == peer);
  }
  const auto heard = scene.feed_peer(scene.alices, "10.0.0.5:7", "x");
  CHECK(heard.answer->address(Attribute::xor_peer_address)->to_string() == "10.0.0.5:7");
}

TEST_CASE("rule 33: the ports of a relay address that aren't relay ports are no peers") {
  Options options;
  TwoClients scene(options);
  REQUIRE(scene
              .request(scene.alice, stun::Method::create_permission,
                       Client::peers({"198.51.100.130:1"}))
              .is_success());
  for (const char* port : {"198.51.100.130:53", "198.51.100.130:3478", "198.51.100.130:51000"}) {
    CAPTURE(port);
    CHECK(scene.feed(scene.alice, scene.alice.send_indication(port, "x")).dropped ==
          DropReason::forbidden_peer);
    CHECK(scene.request(scene.alice, stun::Method::channel_bind, Client::channel(0x4001, port))
              .error() == 403);
  }
}

TEST_CASE("rule 36: a client that claims to be a relay address gets silence, at every worker") {
  Options options;
  options.workers = 2;
  options.relay_addresses[0].in_use = std::make_shared<turnd::PortsInUse>();
  turnd::ReservationTable reservations(2);
  options.reservations = &reservations;
  Scene first(options);
  options.worker = 1;
  Scene second(options);
  Client alice("alice", "wonder");
  REQUIRE(first.allocate(alice).is_success());
  const std::string relayed = first.opened[0].address.to_string();
  for (Scene* scene : {&first, &second}) {
    Client looped("alice", "wonder", relayed.c_str());
    CHECK(scene->feed(looped, looped.unsigned_request(stun::Method::allocate)).dropped ==
          DropReason::own_relay_address);
    CHECK(scene->feed(looped, looped.unsigned_request(stun::Method::binding)).dropped ==
          DropReason::own_relay_address);
  }
  REQUIRE(first.request(alice, stun::Method::refresh, Client::lifetime(0)).is_success());
  Client other("alice", "wonder", relayed.c_str());
  CHECK(second.feed(other, other.unsigned_request(stun::Method::binding)).is_success());
}

} // namespace
