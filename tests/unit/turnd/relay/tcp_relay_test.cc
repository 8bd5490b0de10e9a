// RFC 6062: TCP allocations. The bytes themselves pass in the shell; here is who may have which
// connection, and for how long.
#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/time_limited.h"
#include "tests/support/turn/several_workers.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;
using std::chrono::seconds;
using stun::Attribute;
using stun::Method;
using turnd::Transport;

constexpr const char* kPeer = "203.0.113.9:5000";
constexpr const char* kOther = "203.0.113.10:5000";

Options with_tcp() {
  Options options;
  options.tcp_relay = true;
  options.relay_addresses = {relay_address("198.51.100.130"), relay_address("2001:db8::130")};
  return options;
}

Client::Fill tcp() {
  return [](auto& m) {
    m.add_u32(Attribute::requested_transport, std::uint32_t{stun::kTransportTcp} << 24);
  };
}
Client::Fill connection(std::uint32_t number) {
  return [=](auto& m) { m.add_u32(Attribute::connection_id, number); };
}

Client over_tcp(const char* user = "alice", const char* password = "wonder",
                const char* address = "192.0.2.7:40000") {
  Client client(user, password, address);
  client.five_tuple.transport = Transport::tcp;
  return client;
}

struct Stage {
  explicit Stage(const Options& options = with_tcp()) : scene(options) {
    scene.challenge(alice);
    allocated = scene.request(alice, Method::allocate, tcp());
    REQUIRE(allocated->is_success());
    relay = scene.last_relay();
  }

  Scene::Result connect(const char* peer = kPeer) {
    return scene.request(alice, Method::connect, Client::peers({peer}));
  }
  Scene::Result succeed() {
    return scene.settle_now(scene.server.peer_connected(scene.connects.back().number, scene.now));
  }
  Scene::Result fail() {
    return scene.settle_now(scene.server.peer_unreachable(scene.connects.back().number));
  }
  Scene::Result arrive(const char* from = kPeer) {
    return scene.settle_now(scene.server.peer_arrived(relay, {address_of(from)}, scene.now));
  }
  Scene::Result bind(std::uint32_t number, Client& data) {
    if (data.nonce.empty()) scene.challenge(data);
    return scene.request(data, Method::connection_bind, connection(number));
  }

  Scene scene;
  Client alice = over_tcp();
  std::optional<Scene::Result> allocated;
  turnd::RelayId relay;
};

TEST_CASE("RFC 6062 5.1: a TCP allocation listens at its relayed address") {
  Stage stage;
  REQUIRE(stage.scene.opened.size() == 1);
  CHECK(stage.scene.opened[0].tcp);
  CHECK(required(stage.allocated->answer->address(Attribute::xor_relayed_address)).port() ==
        stage.scene.opened[0].address.port());
}

TEST_CASE("RFC 6062 5.1: over UDP, or with what datagrams have, it is 400; unless served, 442") {
  Scene scene(with_tcp());
  Client udp("alice", "wonder");
  scene.challenge(udp);
  CHECK(scene.request(udp, Method::allocate, tcp()).error() == 400);
  Client alice = over_tcp();
  scene.challenge(alice);
  const auto with = [&](Attribute attribute, const Buffer& value) {
    return scene
        .request(alice, Method::allocate,
                 Client::both(tcp(), [&](auto& m) { m.add(attribute, value); }))
        .error();
  };
  CHECK(with(Attribute::even_port, {0}) == 400);
  CHECK(with(Attribute::reservation_token, Buffer(8)) == 400);
  CHECK(with(Attribute::dont_fragment, {}) == 400);
  CHECK(with(Attribute::mobility_ticket, {}) == 405);
  Scene off;
  Client bob = over_tcp();
  off.challenge(bob);
  CHECK(off.request(bob, Method::allocate, tcp()).error() == 442);
}

TEST_CASE("RFC 6062 5.2: Connect is answered when the connection has been made") {
  Stage stage;
  const auto asked = stage.connect();
  CHECK(asked.dropped == turnd::DropReason::answer_comes_later);
  REQUIRE(stage.scene.connects.size() == 1);
  CHECK(stage.scene.connects[0].to == address_of(kPeer));
  CHECK(stage.scene.connects[0].from == stage.scene.opened[0].address);
  const auto answer = stage.succeed();
  REQUIRE(answer.is_success());
  CHECK(answer.tag == stage.alice.tag);
  CHECK(answer.answer->message().transaction_id() == stage.alice.last_transaction());
  CHECK(answer.answer->u32(Attribute::connection_id));
  CHECK(stun::has_valid_integrity(answer.answer->message(), stage.alice.key().bytes()));
  CHECK(stage.scene.own_peer_connections.size() == 1);
}

TEST_CASE("RFC 6062 5.2, rule 24: failure and time-out are 447, and the peer may be tried again") {
  Stage stage;
  (void)stage.connect();
  CHECK(stage.fail().error() == 447);
  (void)stage.connect();
  stage.scene.pass(seconds(29));
  CHECK(stage.scene.late_answers.empty());
  stage.scene.pass(milliseconds(1100));
  REQUIRE(stage.scene.late_answers.size() == 1);
  CHECK(stage.scene.late_answers[0].error() == 447);
  CHECK(stage.scene.abandoned_connects == std::vector{stage.scene.connects[1].number});
  CHECK(stage.succeed().dropped == turnd::DropReason::unknown_relay); // too late
  CHECK(stage.scene.own_peer_connections.size() == 0);
  (void)stage.connect();
  CHECK(stage.succeed().is_success());
}

TEST_CASE("RFC 6062 5.2, rule 24: a second Connect to the same peer is 446, until the first ends") {
  Stage stage;
  (void)stage.connect();
  CHECK(stage.connect().error() == 446);
  const auto number = required(stage.succeed().answer->u32(Attribute::connection_id));
  CHECK(stage.connect().error() == 446);
  CHECK(stage.connect(kOther).dropped == turnd::DropReason::answer_comes_later);
  Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
  REQUIRE(stage.bind(number, data).is_success());
  CHECK(stage.connect().error() == 446);
  stage.scene.own_peer_connections.end(stage.scene.tunnels[0].connection);
  CHECK(stage.connect().dropped == turnd::DropReason::answer_comes_later);
}

TEST_CASE("RFC 6062 5.2, rule 23: peers that may not be spoken to") {
  Stage stage;
  CHECK(stage.connect("10.0.0.1:80").error() == 403);
  CHECK(stage.connect("198.51.100.130:3478").error() == 403); // a listener of ours
  CHECK(stage.connect("[2001:db8::9]:80").error() == 443);
  CHECK(stage.connect("203.0.113.9:0").error() == 400);
  CHECK(stage.scene.request(stage.alice, Method::connect).error() == 400);
  CHECK(stage.scene.connects.empty());
}

TEST_CASE("RFC 6062: Connect needs an allocation, a TCP one, and its owner") {
  Stage stage;
  Client nobody = over_tcp("alice", "wonder", "192.0.2.7:40002");
  stage.scene.challenge(nobody);
  CHECK(stage.scene.request(nobody, Method::connect, Client::peers({kPeer})).error() == 437);
  Client udp = over_tcp("alice", "wonder", "192.0.2.7:40003");
  REQUIRE(stage.scene.allocate(udp).is_success());
  CHECK(stage.scene.request(udp, Method::connect, Client::peers({kPeer})).error() == 403);
  Client bob = over_tcp("bob", "builder");
  stage.scene.challenge(bob);
  CHECK(stage.scene.request(bob, Method::connect, Client::peers({kPeer})).error() == 441);
}

TEST_CASE("RFC 6062, rule 24: no channels and no datagrams on a TCP allocation") {
  Stage stage;
  CHECK(stage.scene.request(stage.alice, Method::channel_bind, Client::channel(0x4000, kPeer))
            .error() == 403);
  REQUIRE(stage.scene.request(stage.alice, Method::create_permission, Client::peers({kPeer}))
              .is_success());
  CHECK(stage.scene.feed(stage.alice, stage.alice.send_indication(kPeer, "x")).dropped ==
        turnd::DropReason::wrong_transport);
  CHECK(stage.scene.feed(stage.alice, Client::channel_data(0x4000, "x")).dropped ==
        turnd::DropReason::wrong_transport);
}

TEST_CASE("RFC 6062 5.3: a peer's connection needs a permission; then the client is told of it") {
  Stage stage;
  CHECK(stage.arrive().dropped == turnd::DropReason::no_permission);
  CHECK(stage.scene.own_peer_connections.size() == 0);
  REQUIRE(stage.scene.request(stage.alice, Method::create_permission, Client::peers({kPeer}))
              .is_success());
  const auto attempt = stage.arrive();
  REQUIRE(attempt.answer);
  CHECK(attempt.answer->message().method() == Method::connection_attempt);
  CHECK(attempt.answer->message().message_class() == stun::Class::indication);
  CHECK(attempt.answer->address(Attribute::xor_peer_address) == address_of(kPeer));
  const auto number = required(attempt.answer->u32(Attribute::connection_id));
  CHECK(attempt.tag == stage.alice.tag);
  Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
  CHECK(stage.bind(number, data).is_success());
  stage.scene.pass(seconds(301));
  CHECK(stage.arrive("203.0.113.9:5001").dropped == turnd::DropReason::no_permission);
}

TEST_CASE("RFC 6062 5.4: ConnectionBind makes a tunnel of the client's connection, once") {
  Stage stage;
  (void)stage.connect();
  const auto number = required(stage.succeed().answer->u32(Attribute::connection_id));
  Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
  data.five_tuple.transport = Transport::tls;
  REQUIRE(stage.bind(number, data).is_success());
  REQUIRE(stage.scene.tunnels.size() == 1);
  CHECK(stage.scene.tunnels[0].five_tuple == data.five_tuple);
  CHECK(stage.scene.tunnels[0].connection.number == turnd::ConnectionNumber{number});
  Client late = over_tcp("alice", "wonder", "192.0.2.7:40002");
  CHECK(stage.bind(number, late).error() == 400);
  stage.scene.pass(seconds(31)); // bound in time: nothing ends
  CHECK(stage.scene.own_peer_connections.size() == 1);
}

TEST_CASE("RFC 6062 5.4: what is wrong with a ConnectionBind") {
  Stage stage;
  (void)stage.connect();
  const auto number = required(stage.succeed().answer->u32(Attribute::connection_id));
  Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
  CHECK(stage.bind(number + 1, data).error() == 400);
  CHECK(stage.scene.request(data, Method::connection_bind).error() == 400);
  CHECK(stage.scene
            .request(data, Method::connection_bind,
                     [](auto& m) { m.add_text(Attribute::connection_id, "xyz"); })
            .error() == 400);
  CHECK(stage.bind(number, stage.alice).error() == 400); // the control connection
  Client udp("alice", "wonder", "192.0.2.7:40001");
  CHECK(stage.bind(number, udp).error() == 400);
  Client bob = over_tcp("bob", "builder", "192.0.2.7:40004");
  CHECK(stage.bind(number, bob).error() == 441);
  Client wrong = over_tcp("alice", "guess", "192.0.2.7:40005");
  CHECK(stage.bind(number, wrong).error() == 401);
  CHECK(stage.scene.tunnels.empty());
  CHECK(stage.bind(number, data).is_success()); // none of them has used it up
}

TEST_CASE("RFC 6062 5.4: 30 s for a ConnectionBind, then the peer's connection is closed") {
  Stage stage;
  (void)stage.connect();
  const auto number = required(stage.succeed().answer->u32(Attribute::connection_id));
  stage.scene.pass(seconds(29));
  CHECK(stage.scene.own_peer_connections.size() == 1);
  stage.scene.pass(milliseconds(1100));
  CHECK(stage.scene.own_peer_connections.size() == 0);
  Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
  CHECK(stage.bind(number, data).error() == 400);
  CHECK(stage.connect().dropped == turnd::DropReason::answer_comes_later); // no 446 any more
}

TEST_CASE("RFC 6062: connections end with their allocation, whatever they were at") {
  for (const bool by_refresh : {true, false}) {
    Stage stage;
    (void)stage.connect();
    const auto number = required(stage.succeed().answer->u32(Attribute::connection_id));
    Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
    REQUIRE(stage.bind(number, data).is_success());
    (void)stage.connect(kOther);
    (void)stage.succeed();                    // waits
    (void)stage.connect("203.0.113.11:5000"); // is being made
    if (by_refresh) {
      REQUIRE(stage.scene.request(stage.alice, Method::refresh, Client::lifetime(0)).is_success());
    } else {
      stage.scene.server.client_gone(stage.alice.five_tuple, stage.scene.now);
      stage.scene.settle_commands();
    }
    CHECK(stage.scene.own_peer_connections.size() == 0);
    CHECK(stage.scene.abandoned_connects == std::vector{stage.scene.connects[2].number});
    REQUIRE(stage.scene.to_others.size() == 1);
    const auto& end = std::get<turnd::EndTunnel>(stage.scene.to_others[0]);
    CHECK(end.connection == stage.scene.tunnels[0].connection);
    CHECK(end.worker == 0);
    CHECK(stage.scene.closed == std::vector{stage.relay});
    CHECK(stage.scene.server.allocation_count() == 0);
    CHECK_FALSE(stage.scene.server.next_deadline());
  }
}

TEST_CASE("RFC 6062: of a dual allocation the connections of the family that goes end") {
  Scene scene(with_tcp());
  Client alice = over_tcp();
  scene.challenge(alice);
  REQUIRE(scene
              .request(alice, Method::allocate,
                       Client::both(tcp(), Client::family(Attribute::additional_address_family,
                                                          stun::kFamilyIpv6)))
              .is_success());
  for (const char* peer : {kPeer, "[2001:db8::9]:5000"}) {
    (void)scene.request(alice, Method::connect, Client::peers({peer}));
    CHECK(scene.settle_now(scene.server.peer_connected(scene.connects.back().number, scene.now))
              .is_success());
  }
  CHECK(scene.connects[1].from.family() == core::Family::ipv6);
  REQUIRE(scene
              .request(alice, Method::refresh,
                       Client::both(
                           Client::lifetime(0),
                           Client::family(Attribute::requested_address_family, stun::kFamilyIpv4)))
              .is_success());
  CHECK(scene.own_peer_connections.size() == 1);
  CHECK(scene.request(alice, Method::connect, Client::peers({"[2001:db8::9]:5000"})).error() ==
        446);
}

TEST_CASE("RFC 6062: the number of an allocation's connections is limited") {
  Options options = with_tcp();
  options.limits.connections_per_allocation = 2;
  Stage stage(options);
  (void)stage.connect();
  (void)stage.succeed();
  REQUIRE(stage.scene.request(stage.alice, Method::create_permission, Client::peers({kPeer}))
              .is_success());
  REQUIRE(stage.arrive("203.0.113.9:1").answer);
  CHECK(stage.connect(kOther).error() == 508);
  CHECK(stage.arrive("203.0.113.9:2").dropped == turnd::DropReason::limited);
  stage.scene.pass(seconds(31)); // nobody came for them
  CHECK(stage.connect(kOther).dropped == turnd::DropReason::answer_comes_later);
}

TEST_CASE("RFC 6062: the data connection may come to another worker than the allocation's") {
  SeveralWorkers workers(2, with_tcp());
  Client alice = over_tcp();
  workers[0].challenge(alice);
  REQUIRE(workers[0].request(alice, Method::allocate, tcp()).is_success());
  (void)workers[0].request(alice, Method::connect, Client::peers({kPeer}));
  const auto answer = workers[0].settle_now(
      workers[0].server.peer_connected(workers[0].connects[0].number, workers[0].now));
  const auto number = required(answer.answer->u32(Attribute::connection_id));

  Client data = over_tcp("alice", "wonder", "192.0.2.7:40001");
  workers[1].challenge(data);
  REQUIRE(workers[1].request(data, Method::connection_bind, connection(number)).is_success());
  REQUIRE(workers[1].tunnels.size() == 1);
  workers.pass(seconds(31));
  CHECK(workers[0].request(alice, Method::connect, Client::peers({kPeer})).error() == 446);
  REQUIRE(workers[0].request(alice, Method::refresh, Client::lifetime(0)).is_success());
  REQUIRE(workers[0].to_others.size() == 1);
  CHECK(std::get<turnd::EndTunnel>(workers[0].to_others[0]).worker == 1);
  CHECK(workers.peer_connections.size() == 0);
}

TEST_CASE("RFC 6062: an expired time-limited name still binds its allocation's connections") {
  Options options = with_tcp();
  options.shared_secrets = {"secret"};
  Scene scene(options);
  const std::string name = std::to_string(scene.now.wall.time_since_epoch().count() + 20) + ":x";
  const std::string password(stun::time_limited_password(core::Secret("secret"), name).reveal());
  Client carol = over_tcp(name.c_str(), password.c_str());
  scene.challenge(carol);
  REQUIRE(scene.request(carol, Method::allocate, tcp()).is_success());
  scene.pass(seconds(30));
  (void)scene.request(carol, Method::connect, Client::peers({kPeer}));
  const auto answer =
      scene.settle_now(scene.server.peer_connected(scene.connects[0].number, scene.now));
  const auto number = required(answer.answer->u32(Attribute::connection_id));
  Client data = over_tcp(name.c_str(), password.c_str(), "192.0.2.7:40001");
  scene.challenge(data);
  CHECK(scene.request(data, Method::connection_bind, connection(number)).is_success());
}

TEST_CASE("a stream's bandwidth: a second's burst, then as long to wait as there is too much") {
  const core::TimePoint start(std::chrono::hours(10));
  turnd::StreamBandwidth bandwidth(1000);
  CHECK(bandwidth.take(1000, start) == core::Duration(0));
  CHECK(bandwidth.take(500, start) == milliseconds(500));
  CHECK(bandwidth.take(0, start + milliseconds(500)) == core::Duration(0));
  CHECK(bandwidth.take(100, start + milliseconds(500)) == milliseconds(100));
  CHECK(bandwidth.take(1000, start + seconds(100)) ==
        core::Duration(0)); // idle: one second, not 99
  CHECK(bandwidth.take(1, start + seconds(100)) == milliseconds(1));
  turnd::StreamBandwidth none(turnd::Bandwidth::kNoLimit);
  CHECK(none.take(1U << 30, start) == core::Duration(0));
}

TEST_CASE("a stream waits for what its user's allocations may relay together, too") {
  const core::TimePoint start(std::chrono::hours(10));
  const auto user = std::make_shared<turnd::SharedBandwidth>(1000);
  turnd::StreamBandwidth one(turnd::Bandwidth::kNoLimit, user);
  turnd::StreamBandwidth two(100'000, user);
  CHECK(one.take(600, start) == core::Duration(0));
  CHECK(two.take(600, start) == milliseconds(200));
  CHECK(one.take(100, start) == milliseconds(300));
  CHECK(two.take(0, start + milliseconds(300)) == core::Duration(0));
  CHECK_FALSE(user->admit(100, start + milliseconds(300))); // its datagrams as well
}

} // namespace
