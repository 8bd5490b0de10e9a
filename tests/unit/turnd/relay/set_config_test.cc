// A reload: which of the new rules hold for what is there, and what it keeps.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/several_workers.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using stun::Method;
using turnd::DropReason;

constexpr const char* kPeer = "203.0.113.9:5000";
constexpr const char* kOther = "203.0.113.10:5000";

std::string relayed_address(const Scene::Result& answer) {
  return required(answer.answer->address(Attribute::xor_relayed_address)).to_string();
}

// A client with a permission and a channel, on a server that is about to get other rules.
struct Stage {
  explicit Stage(const Options& given = {}) : options(given), scene(given) {
    const auto answer = scene.allocate(alice);
    REQUIRE(answer.is_success());
    relay = scene.last_relay();
    relayed = relayed_address(answer);
    REQUIRE(bind(kPeer).is_success());
  }
  Scene::Result bind(const char* peer, std::uint16_t number = 0x4000) {
    return scene.request(alice, Method::channel_bind, Client::channel(number, peer));
  }
  Scene::Result permit(const char* peer) {
    return scene.request(alice, Method::create_permission, Client::peers({peer}));
  }
  Scene::Result to_peer(std::string_view payload = "up") {
    return scene.feed(alice, Client::channel_data(0x4000, payload));
  }
  Scene::Result from_peer(std::string_view payload = "down") {
    return scene.feed_peer(relay, kPeer, payload);
  }
  bool relays() { return to_peer().to_peer.has_value() && from_peer().to_client.has_value(); }
  void reload() { scene.reload(options); }

  Options options;
  Scene scene;
  Client alice{"alice", "wonder"};
  turnd::RelayId relay;
  std::string relayed;
};

TEST_CASE("a reload with nothing new leaves everything as it is") {
  Stage stage;
  stage.reload();
  CHECK(stage.relays());
  CHECK(stage.scene.closed.empty());
  CHECK(stage.bind(kPeer).is_success());
}

TEST_CASE("other relay addresses are for new allocations; what is there keeps its own") {
  Stage stage;
  stage.options.relay_addresses = {relay_address("198.51.100.131")};
  stage.reload();
  CHECK(stage.relays());
  CHECK(stage.scene.closed.empty());

  Client bob("bob", "builder", "192.0.2.8:40000");
  const auto answer = stage.scene.allocate(bob);
  REQUIRE(answer.is_success());
  CHECK(answer.answer->address(Attribute::xor_relayed_address)->ip().to_string() ==
        "198.51.100.131");

  REQUIRE(stage.scene.request(stage.alice, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(stage.scene.closed == std::vector{stage.relay});
}

TEST_CASE("an address that comes back serves again, and knows which of its ports are taken") {
  Options options;
  options.ports = {.first = 50000, .last = 50001};
  Stage stage(options);
  const auto former = stage.options.relay_addresses;
  stage.options.relay_addresses = {relay_address("198.51.100.131")};
  stage.reload();
  stage.reload();
  stage.options.relay_addresses = former;
  stage.reload();
  CHECK(stage.relays());
  Client bob("bob", "builder", "192.0.2.8:40000");
  const auto answer = stage.scene.allocate(bob);
  REQUIRE(answer.is_success());
  CHECK(relayed_address(answer) != stage.relayed);
  Client carol("bob", "builder", "192.0.2.9:40000");
  CHECK(stage.scene.allocate(carol).error() == 508); // both ports are taken
  REQUIRE(stage.scene.request(stage.alice, Method::refresh, Client::lifetime(0)).is_success());
  stage.scene.pass(turnd::PortPool::kRest);
  CHECK(stage.scene.allocate(carol).is_success());
}

TEST_CASE("another external address is told to new clients; who was told the former one keeps it") {
  Options options;
  options.relay_addresses = {relay_address("10.0.0.5", "203.0.113.1")};
  Stage stage(options);
  stage.options.relay_addresses = {relay_address("10.0.0.5", "203.0.113.2")};
  stage.reload();

  Client bob("bob", "builder", "192.0.2.8:40000");
  const auto answer = stage.scene.allocate(bob);
  REQUIRE(answer.is_success());
  const std::string bobs = relayed_address(answer);
  const turnd::RelayId bobs_relay = stage.scene.last_relay();
  CHECK(bobs.starts_with("203.0.113.2:"));
  CHECK(stage.relayed.starts_with("203.0.113.1:"));

  // The two are each other's peers, by what each was told.
  REQUIRE(stage.permit(bobs.c_str()).is_success());
  REQUIRE(
      stage.scene.request(bob, Method::create_permission, Client::peers({stage.relayed.c_str()}))
          .is_success());
  const auto sent =
      stage.scene.feed(bob, bob.send_indication(stage.relayed.c_str(), "hello")).to_peer;
  REQUIRE(sent);
  CHECK(sent->peer == stage.scene.opened[0].address); // inside, not by way of the NAT
  const auto heard = stage.scene.feed_peer(
      stage.relay, stage.scene.opened[1].address.to_string().c_str(), sent->payload);
  REQUIRE(heard.answer);
  CHECK(heard.answer->address(Attribute::xor_peer_address)->to_string() == bobs);
  const auto back =
      stage.scene.feed_peer(bobs_relay, stage.scene.opened[0].address.to_string().c_str(), "hi");
  REQUIRE(back.answer);
  CHECK(back.answer->address(Attribute::xor_peer_address)->to_string() == stage.relayed);
}

TEST_CASE("another range of ports is for new allocations, and for no port that is taken") {
  Stage stage;
  const std::uint16_t taken = stage.scene.opened[0].address.port();
  stage.options.ports = {.first = taken, .last = taken};
  stage.reload();
  CHECK(stage.relays());
  Client bob("bob", "builder", "192.0.2.8:40000");
  CHECK(stage.scene.allocate(bob).error() == 508);

  stage.options.ports = {.first = 60000, .last = 60001};
  stage.reload();
  CHECK(stage.relays());
  const auto answer = stage.scene.allocate(bob);
  REQUIRE(answer.is_success());
  CHECK(answer.answer->address(Attribute::xor_relayed_address)->port() >= 60000);

  // A relay socket outside of the new range is a peer like before (rule 33).
  REQUIRE(
      stage.scene.request(bob, Method::channel_bind, Client::channel(0x4001, stage.relayed.c_str()))
          .is_success());
  // Its port is nobody's once it is given back.
  REQUIRE(stage.scene.request(stage.alice, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(stage.scene.feed(bob, bob.send_indication(stage.relayed.c_str(), "x")).dropped ==
        DropReason::forbidden_peer);
}

TEST_CASE("a peer that is forbidden now is gone at once: permission, channel and data both ways") {
  Stage stage;
  REQUIRE(stage.permit(kOther).is_success());
  stage.options.deny = networks({"203.0.113.9/32"});
  stage.reload();
  CHECK(stage.to_peer().dropped == DropReason::no_channel);
  CHECK(stage.from_peer().dropped == DropReason::no_permission);
  CHECK(stage.permit(kPeer).error() == 403);
  CHECK(stage.bind(kPeer).error() == 403);
  // Others aren't touched.
  CHECK(stage.scene.feed(stage.alice, stage.alice.send_indication(kOther, "x")).to_peer);

  // It takes a new permission once it is allowed again.
  stage.options.deny = {};
  stage.reload();
  CHECK(stage.to_peer().dropped == DropReason::no_channel);
  CHECK(stage.bind(kPeer).is_success());
  CHECK(stage.relays());
}

TEST_CASE("a peer that is allowed now can be asked for") {
  Stage stage;
  CHECK(stage.permit("10.40.0.9:1").error() == 403);
  stage.options.allow = networks({"10.40.0.0/24"});
  stage.reload();
  CHECK(stage.permit("10.40.0.9:1").is_success());
  CHECK(stage.relays());
}

TEST_CASE("RFC 6062: connections with a peer that is forbidden now end, whatever their state") {
  Options options;
  options.tcp_relay = true;
  Scene scene(options);
  Client alice("alice", "wonder");
  alice.five_tuple.transport = turnd::Transport::tcp;
  scene.challenge(alice);
  REQUIRE(scene
              .request(alice, Method::allocate,
                       [](auto& m) {
                         m.add_u32(Attribute::requested_transport,
                                   std::uint32_t{stun::kTransportTcp} << 24);
                       })
              .is_success());
  for (const char* peer : {kPeer, kOther, "203.0.113.9:5001"}) {
    scene.request(alice, Method::connect, Client::peers({peer}));
  }
  REQUIRE(scene.connects.size() == 3);
  for (const std::size_t made : {0U, 1U}) {
    REQUIRE(scene.settle_now(scene.server.peer_connected(scene.connects[made].number, scene.now))
                .is_success());
  }
  CHECK(scene.own_peer_connections.size() == 2);

  options.deny = networks({"203.0.113.9/32"});
  options.tcp_relay = false; // for new allocations
  scene.reload(options);
  CHECK(scene.own_peer_connections.size() == 1);
  CHECK(scene.own_peer_connections.owner(scene.connects[1].number));
  CHECK(scene.abandoned_connects == std::vector{scene.connects[2].number});
  scene.request(alice, Method::connect, Client::peers({"203.0.113.11:5000"}));
  CHECK(scene.connects.size() == 4);
}

TEST_CASE("who may be a client is asked of new ones; an allocation is refreshed as before") {
  Stage stage;
  stage.options.turn_clients = networks({"10.40.0.0/24"});
  stage.options.stun_clients = networks({"10.40.0.0/24"});
  stage.reload();
  CHECK(stage.relays());
  CHECK(stage.bind(kPeer).is_success());
  CHECK(stage.scene.request(stage.alice, Method::refresh).is_success());
  Client bob("bob", "builder", "192.0.2.8:40000");
  CHECK(stage.scene.feed(bob, bob.unsigned_request(Method::allocate)).error() == 403);
  CHECK(stage.scene.feed(bob, bob.unsigned_request(Method::binding)).dropped ==
        DropReason::forbidden_client);
}

TEST_CASE("an allocation's bandwidth is the new one at once, less or more") {
  Options options;
  options.limits.bandwidth_per_allocation = 1000;
  Stage stage(options);
  const std::string payload(400, 'x');
  CHECK(stage.to_peer(payload).to_peer);
  stage.options.limits.bandwidth_per_allocation = 500;
  stage.reload();
  CHECK(stage.to_peer(payload).to_peer); // of the 600 that were left, 500 fit
  CHECK(stage.to_peer(payload).dropped == DropReason::bandwidth);
  stage.scene.pass(seconds(10));
  CHECK(stage.to_peer(payload).to_peer);
  CHECK(stage.to_peer(payload).dropped == DropReason::bandwidth);

  stage.options.limits.bandwidth_per_allocation = turnd::Bandwidth::kNoLimit;
  stage.reload();
  for (int i = 0; i < 100; ++i) CHECK(stage.to_peer(payload).to_peer);
  stage.options.limits.bandwidth_per_allocation = 500;
  stage.reload();
  CHECK(stage.to_peer(payload).to_peer);
  CHECK(stage.to_peer(payload).dropped == DropReason::bandwidth);
}

TEST_CASE("a user's bandwidth is the new one at once") {
  Options options;
  options.bandwidth_per_user = 100;
  Stage stage(options);
  const std::string payload(400, 'x');
  CHECK(stage.to_peer(payload).dropped == DropReason::bandwidth);
  stage.options.bandwidth_per_user = 1000;
  stage.reload();
  CHECK(stage.to_peer(payload).to_peer);
  CHECK(stage.to_peer(payload).to_peer);
  CHECK(stage.to_peer(payload).dropped == DropReason::bandwidth);
}

TEST_CASE("quotas that are lower now hold for new allocations") {
  Stage stage;
  stage.options.allocations = 1;
  stage.options.allocations_per_user = 0;
  stage.reload();
  CHECK(stage.relays());
  Client bob("bob", "builder", "192.0.2.8:40000");
  CHECK(stage.scene.allocate(bob).error() == 508);
  stage.options.allocations = 2;
  stage.reload();
  CHECK(stage.scene.allocate(bob).error() == 486);
  stage.options.allocations_per_user = 1;
  stage.reload();
  CHECK(stage.scene.allocate(bob).is_success());
}

TEST_CASE("what is there can be refreshed above a limit that is lower now, and nothing be added") {
  Stage stage;
  REQUIRE(stage.permit(kOther).is_success());
  REQUIRE(stage.bind(kOther, 0x4001).is_success());
  stage.options.limits.permissions_per_allocation = 1;
  stage.options.limits.channels_per_allocation = 1;
  stage.reload();
  CHECK(stage.permit(kPeer).is_success());
  CHECK(stage.bind(kPeer).is_success());
  CHECK(stage.bind(kOther, 0x4001).is_success());
  CHECK(stage.permit("203.0.113.11:1").error() == 508);
  CHECK(stage.bind("203.0.113.9:5001", 0x4002).error() == 508);
}

TEST_CASE("a longest lifetime that is shorter now is granted from the next Refresh on") {
  Stage stage;
  REQUIRE(stage.scene.request(stage.alice, Method::refresh, Client::lifetime(3600)).is_success());
  stage.options.limits.max_lifetime = seconds(900);
  stage.reload();
  stage.scene.pass(seconds(1000));
  REQUIRE(stage.scene.server.allocation_count() == 1);
  stage.scene.challenge(stage.alice); // the nonce is old by now
  const auto answer = stage.scene.request(stage.alice, Method::refresh, Client::lifetime(3600));
  REQUIRE(answer.is_success());
  CHECK(answer.answer->u32(Attribute::lifetime) == 900);
}

TEST_CASE(
    "older clients' channel numbers stay good where they are bound, and aren't given any more") {
  Options options;
  options.last_channel = stun::kLastChannelRfc5766;
  Stage stage(options);
  REQUIRE(stage.bind(kOther, 0x7000).is_success());
  stage.options.last_channel = stun::kLastChannel;
  stage.reload();
  CHECK(stage.scene.feed(stage.alice, Client::channel_data(0x7000, "x")).to_peer);
  CHECK(stage.bind(kOther, 0x7000).is_success());
  CHECK(stage.bind("203.0.113.11:1", 0x7001).error() == 400);
}

TEST_CASE("RFC 8016: a mobile allocation stays one where mobility is switched off") {
  Options options;
  options.mobility = true;
  Scene scene(options);
  Client alice("alice", "wonder");
  const auto empty_ticket = [](auto& m) { m.add(Attribute::mobility_ticket, Buffer{}); };
  const auto allocated = scene.allocate(alice, empty_ticket);
  REQUIRE(allocated.is_success());
  const Buffer ticket = allocated.answer->all(Attribute::mobility_ticket).at(0);
  options.mobility = false;
  scene.reload(options);

  const auto shown = [&](auto& m) { m.add(Attribute::mobility_ticket, ticket); };
  CHECK(scene.request(alice, Method::refresh, shown).is_success());
  Client moved("alice", "wonder", "192.0.2.77:41000");
  scene.challenge(moved);
  CHECK(scene.request(moved, Method::refresh, shown).is_success());
  Client bob("bob", "builder", "192.0.2.8:40000");
  CHECK(scene.allocate(bob, empty_ticket).error() == 405);
}

TEST_CASE("RFC 5780: behaviour discovery knows the listeners that there are now") {
  Stage stage;
  Client asker("bob", "builder", "192.0.2.8:40000");
  const auto asked = [&] {
    return stage.scene.feed(asker, asker.unsigned_request(Method::binding));
  };
  CHECK_FALSE(asked().answer->has(Attribute::other_address));
  for (const char* listener : {"198.51.100.130:3478", "198.51.100.130:3479", "198.51.100.131:3478",
                               "198.51.100.131:3479"}) {
    stage.options.udp_listeners.push_back({address_of(listener), address_of(listener)});
  }
  stage.reload();
  CHECK(asked().answer->has(Attribute::other_address));
  stage.options.udp_listeners.clear();
  stage.reload();
  CHECK_FALSE(asked().answer->has(Attribute::other_address));
}

TEST_CASE("RFC 8489 section 10: clients are sent to another server as soon as a reload says so") {
  Stage stage;
  stage.options.alternate = {.servers = {address_of("198.51.100.140:3478")},
                             .domain = "",
                             .when = turnd::AlternateServers::When::always};
  stage.reload();
  CHECK(stage.relays());
  Client bob("bob", "builder", "192.0.2.8:40000");
  CHECK(stage.scene.allocate(bob).error() == 300);
}

TEST_CASE("the rate of unproven answers is the new one for sources that are known, too") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 1, .burst = 2};
  Stage stage(options);
  Client asker("bob", "builder", "192.0.2.8:40000");
  const auto answered = [&] {
    return stage.scene.feed(asker, asker.unsigned_request(Method::binding)).answer.has_value();
  };
  CHECK(answered());
  CHECK(answered());
  CHECK_FALSE(answered());
  stage.options.limits.unauthenticated_answers = {.per_second = 100, .burst = 1000};
  stage.reload();
  stage.scene.pass(seconds(1));
  for (int i = 0; i < 100; ++i) CHECK(answered());
  CHECK_FALSE(answered());
}

// The kernel deals clients out to workers, which hear of a reload one after another.
TEST_CASE("a port of a former address finds home, whichever worker had its socket") {
  Options options;
  options.mobility = true;
  options.ports = {.first = 50000, .last = 50003};
  SeveralWorkers workers(2, options);
  Client alice("alice", "wonder");
  const auto allocated =
      workers[0].allocate(alice, [](auto& m) { m.add(Attribute::mobility_ticket, Buffer{}); });
  REQUIRE(allocated.is_success());
  const Buffer ticket = allocated.answer->all(Attribute::mobility_ticket).at(0);
  REQUIRE(
      workers[0].request(alice, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());

  // The client moves to the other worker, which has been told to forget the address twice.
  options.worker = 1;
  options.workers = 2;
  options.relay_addresses = {relay_address("198.51.100.131")};
  options.relay_addresses[0].in_use = std::make_shared<turnd::PortsInUse>();
  workers[1].reload(options);
  workers[1].reload(options);
  Client moved("alice", "wonder", "192.0.2.77:41000");
  moved.tag = turnd::ClientTag{2};
  workers[1].challenge(moved);
  workers[1].request(moved, Method::refresh,
                     [&](auto& m) { m.add(Attribute::mobility_ticket, ticket); });
  workers.deliver();
  workers[1].feed(moved, Client::channel_data(0x4000, "here"));
  workers.deliver();
  CHECK(workers[1].server.relay_count() == 1);
  CHECK(workers[1].feed(moved, Client::channel_data(0x4000, "again")).to_peer);
  CHECK(workers[0].server.allocation_count() == 0);

  // Its end: the port is free for the worker that deals it out.
  REQUIRE(workers[1].request(moved, Method::refresh, Client::lifetime(0)).is_success());
  std::vector<Client> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back("bob", "builder", ("192.0.2.8:" + std::to_string(40000 + i)).c_str());
    CHECK(workers[0].allocate(others.back()).is_success());
    workers.pass(turnd::PortPool::kRest);
  }
}

} // namespace
