#include "turnd/relay/server.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using turnd::DropReason;

TEST_CASE("Binding tells a client where it is seen from (RFC 8489 6.3.1)") {
  for (const char* address : {"192.0.2.7:40000", "[2001:db8::7]:40000"}) {
    Scene scene;
    Client anybody("", "", address);
    const auto result = scene.feed(anybody, anybody.unsigned_request(stun::Method::binding));
    REQUIRE(result.is_success());
    CHECK(result.answer->address(Attribute::xor_mapped_address) == anybody.five_tuple.client);
    CHECK(result.answer->message().transaction_id() == anybody.last_transaction());
    CHECK(scene.nothing_left());
  }
}

TEST_CASE("rule 28: an unknown comprehension-required attribute is 420, listed") {
  Scene scene;
  Client alice("alice", "wonder");
  const Client::Fill unknown = [](auto& m) {
    m.add(static_cast<Attribute>(0x7fff), {});
    m.add(static_cast<Attribute>(0xfffe), {}); // comprehension-optional
  };
  const auto binding = scene.feed(alice, alice.unsigned_request(stun::Method::binding, unknown));
  CHECK(binding.error() == 420);
  CHECK(binding.answer->all(Attribute::unknown_attributes) == std::vector<Buffer>{{0x7f, 0xff}});
  const auto allocate = scene.allocate(alice, unknown);
  CHECK(allocate.error() == 420);
  CHECK(allocate.answer->all(Attribute::unknown_attributes) == std::vector<Buffer>{{0x7f, 0xff}});
}

TEST_CASE("rule 28: indications and responses are never answered") {
  Scene scene;
  Client alice("alice", "wonder");
  for (const auto kind : {stun::Class::indication, stun::Class::success, stun::Class::error}) {
    for (const auto method : {stun::Method::binding, stun::Method::allocate, stun::Method::data}) {
      const auto result = scene.feed(alice, alice.message(method, kind, {}));
      CHECK(result.dropped == DropReason::not_for_servers);
    }
  }
}

TEST_CASE("requests of methods that aren't served, and what isn't TURN, get silence") {
  Scene scene;
  Client alice("alice", "wonder");
  CHECK(scene.feed(alice, alice.unsigned_request(stun::Method{0x00f})).dropped ==
        DropReason::not_for_servers);
  CHECK(scene.feed(alice, core::bytes_of("\x80hello")).dropped == DropReason::not_turn);
  CHECK(scene.feed(alice, {}).dropped == DropReason::not_turn);
  auto cut = alice.unsigned_request(stun::Method::binding);
  cut.pop_back();
  CHECK(scene.feed(alice, cut).dropped == DropReason::not_turn);
}

TEST_CASE("restricted mode: STUN for anyone, TURN for those listed") {
  Options options;
  options.turn_clients = networks({"10.40.0.10", "10.40.0.11"});
  Scene scene(options);
  Client node("alice", "wonder", "10.40.0.10:40000");
  Client stranger("alice", "wonder", "192.0.2.7:40000");
  CHECK(scene.allocate(node).is_success());
  const auto refused = scene.allocate(stranger);
  CHECK(refused.error() == 403);
  CHECK_FALSE(refused.answer->has(Attribute::nonce));
  CHECK(scene.feed(stranger, stranger.unsigned_request(stun::Method::binding)).is_success());
}

TEST_CASE("clients.stun keeps Binding from everybody else") {
  Options options;
  options.stun_clients = networks({"10.40.0.0/24"});
  Scene scene(options);
  Client stranger("", "", "192.0.2.7:40000");
  CHECK(scene.feed(stranger, stranger.unsigned_request(stun::Method::binding)).dropped ==
        DropReason::forbidden_client);
}

TEST_CASE("rule 34: nothing is kept for those who have not authenticated") {
  Scene scene;
  for (std::uint16_t port = 1; port < 2000; ++port) {
    Client client("mallory", "x");
    client.five_tuple.client = core::SocketAddress(core::IpAddress::v4(192, 0, 2, 7), port);
    (void)scene.feed(client, client.unsigned_request(stun::Method::allocate, Client::udp()));
  }
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.server.relay_count() == 0);
  CHECK(scene.opened.empty());
  CHECK_FALSE(scene.server.next_deadline());
}

TEST_CASE("rule 35: on the wire an unauthenticated answer is at most about twice its request") {
  Scene scene;
  Client client("alice", "wonder");
  constexpr std::size_t kIpAndUdp = 28;
  const auto bound = [&](core::Bytes request) {
    const auto result = scene.feed(client, request);
    REQUIRE(result.to_client);
    CHECK(result.to_client->size() + kIpAndUdp <= 2 * (request.size() + kIpAndUdp));
  };
  bound(client.unsigned_request(stun::Method::binding));
  bound(client.unsigned_request(stun::Method::allocate, Client::udp()));
  Client six("alice", "wonder", "[2001:db8::7]:40000");
  const auto request = six.unsigned_request(stun::Method::binding);
  const auto answer = scene.feed(six, request);
  CHECK(answer.to_client->size() + 48 <= 2 * (request.size() + 48));
}

TEST_CASE("rule 35: unauthenticated answers are limited by source, IPv6 by /64") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 10, .burst = 5};
  Scene scene(options);
  const auto answers = [&](const char* format, int count) {
    int answered = 0;
    for (int i = 0; i < count; ++i) {
      std::string address(format);
      address.replace(address.find('#'), 1, std::to_string(i + 1));
      Client client("alice", "wonder", address.c_str());
      const auto method = i % 2 == 0 ? stun::Method::binding : stun::Method::allocate;
      if (scene.feed(client, client.unsigned_request(method, Client::udp())).answer) ++answered;
    }
    return answered;
  };
  CHECK(answers("192.0.2.7:#", 20) == 5);
  CHECK(answers("192.0.2.8:#", 20) == 5);
  CHECK(answers("[2001:db8:0:1::#]:9", 20) == 5);
  CHECK(answers("[2001:db8:0:2::#]:9", 20) == 5);
  scene.pass(std::chrono::milliseconds(300));
  CHECK(answers("192.0.2.7:#", 20) == 3);
}

TEST_CASE("rule 35: an office behind one address that authenticates is not held up") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 0, .burst = 2};
  Scene scene(options);
  for (int i = 0; i < 50; ++i) {
    Client alice("alice", "wonder", ("192.0.2.7:" + std::to_string(40000 + i)).c_str());
    REQUIRE(scene.allocate(alice).is_success());
  }
}

TEST_CASE(
    "rule 35: whoever floods from somebody's address doesn't hold up what is theirs already") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 0, .burst = 4};
  Scene scene(options);
  Client alice("alice", "wonder", "192.0.2.7:40000");
  REQUIRE(scene.allocate(alice).is_success());
  for (int i = 0; i < 10; ++i) {
    Client flood("mallory", "x", "192.0.2.7:50000");
    (void)scene.allocate(flood);
  }
  Client stranger("alice", "wonder", "192.0.2.7:40001");
  CHECK(scene.feed(stranger, stranger.unsigned_request(stun::Method::allocate)).dropped ==
        DropReason::limited);
  CHECK(scene.request(alice, stun::Method::refresh).is_success());
}

TEST_CASE("rule 35: wrong credentials are limited by source before anything is computed for them") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 0, .burst = 3};
  Scene scene(options);
  Client mallory("alice", "wander");
  CHECK(scene.allocate(mallory).error() == 401); // the second of two answers
  CHECK(scene.allocate(mallory).error() == 401);
  CHECK(scene.allocate(mallory).dropped == DropReason::limited);
}

TEST_CASE("rule 35: a connection has proven its address and is not limited") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 0, .burst = 1};
  Scene scene(options);
  Client alice("alice", "wonder");
  CHECK(scene.feed(alice, alice.unsigned_request(stun::Method::binding)).answer);
  CHECK_FALSE(scene.feed(alice, alice.unsigned_request(stun::Method::binding)).answer);
  alice.five_tuple.transport = turnd::Transport::tcp;
  CHECK(scene.feed(alice, alice.unsigned_request(stun::Method::binding)).answer);
}

TEST_CASE("rule 35: wrong credentials are limited by source on connections, too") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 1, .burst = 2};
  Scene scene(options);
  const auto on_tcp = [](const char* password, const char* address) {
    Client client("alice", password, address);
    client.five_tuple.transport = turnd::Transport::tcp;
    return client;
  };
  Client mallory = on_tcp("wander", "192.0.2.7:40000");
  CHECK(scene.allocate(mallory).error() == 401); // behind a challenge, which costs nothing here
  CHECK(scene.allocate(mallory).error() == 401);
  CHECK(scene.allocate(mallory).dropped == DropReason::limited);
  Client again = on_tcp("wonder", "192.0.2.7:40001");
  CHECK(scene.allocate(again).dropped == DropReason::limited); // the right one is not told either
  Client elsewhere = on_tcp("wonder", "192.0.2.8:40000");
  CHECK(scene.allocate(elsewhere).is_success());
  scene.pass(std::chrono::seconds(1));
  CHECK(scene.allocate(again).is_success());
}

TEST_CASE(
    "rule 35: an office behind one address that authenticates on connections is not held up") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 0, .burst = 1};
  Scene scene(options);
  for (int i = 0; i < 50; ++i) {
    Client alice("alice", "wonder", ("192.0.2.7:" + std::to_string(40000 + i)).c_str());
    alice.five_tuple.transport = turnd::Transport::tls;
    REQUIRE(scene.allocate(alice).is_success());
  }
}

TEST_CASE("rule 35: who has an allocation guesses at others' passwords no faster") {
  for (const auto transport : {turnd::Transport::udp, turnd::Transport::tcp}) {
    Options options;
    options.limits.unauthenticated_answers = {.per_second = 0, .burst = 2};
    Scene scene(options);
    Client alice("alice", "wonder");
    alice.five_tuple.transport = transport;
    REQUIRE(scene.allocate(alice).is_success());
    Client wrong("bob", "wander");
    Client right("bob", "builder");
    for (Client* bob : {&wrong, &right}) {
      bob->five_tuple = alice.five_tuple;
      bob->realm = alice.realm;
      bob->nonce = alice.nonce;
    }
    CHECK(scene.request(right, stun::Method::refresh).error() == 441);
    CHECK(scene.request(wrong, stun::Method::refresh).error() == 401);
    CHECK(scene.request(wrong, stun::Method::refresh).dropped == DropReason::limited);
    CHECK(scene.request(right, stun::Method::refresh).dropped == DropReason::limited);
    CHECK(scene.request(alice, stun::Method::refresh).is_success());
  }
}

TEST_CASE("rule 36: requests that claim to come from our own relay addresses are dropped") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto relayed = *scene.allocate(alice).answer->address(Attribute::xor_relayed_address);
  Client loop("alice", "wonder", relayed.to_string().c_str());
  CHECK(scene.feed(loop, loop.unsigned_request(stun::Method::allocate, Client::udp())).dropped ==
        DropReason::own_relay_address);
  CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(0)).is_success());
  CHECK(scene.feed(loop, loop.unsigned_request(stun::Method::allocate, Client::udp())).error() ==
        401);
}

TEST_CASE("two clients of one server relay to each other") {
  Scene scene;
  Client alice("alice", "wonder", "192.0.2.7:40000");
  Client bob("bob", "builder", "192.0.2.8:40000");
  const auto a = *scene.allocate(alice).answer->address(Attribute::xor_relayed_address);
  const auto a_relay = scene.last_relay();
  const auto b = *scene.allocate(bob).answer->address(Attribute::xor_relayed_address);
  const auto b_relay = scene.last_relay();
  REQUIRE(scene
              .request(alice, stun::Method::channel_bind,
                       Client::channel(0x4000, b.to_string().c_str()))
              .is_success());
  REQUIRE(
      scene.request(bob, stun::Method::create_permission, Client::peers({a.to_string().c_str()}))
          .is_success());

  const auto up = scene.feed(alice, Client::channel_data(0x4000, "over there")).to_peer.value();
  CHECK(up.relay == a_relay);
  CHECK(up.peer == b);
  const auto down = scene.feed_peer(b_relay, a.to_string().c_str(), up.payload);
  CHECK(down.five_tuple == bob.five_tuple);
  CHECK(down.answer->text(Attribute::data) == "over there");
  CHECK(down.answer->address(Attribute::xor_peer_address) == a);
}

TEST_CASE("answers to a relay socket that is not waited for change nothing") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  for (const turnd::RelayId id :
       {scene.last_relay(), turnd::RelayId{7, 1}, turnd::RelayId{0, 99}}) {
    CHECK(std::get<turnd::Drop>(scene.server.relay_opened(id, scene.now)).reason ==
          DropReason::unknown_relay);
    CHECK(std::get<turnd::Drop>(scene.server.relay_refused(id, scene.now)).reason ==
          DropReason::unknown_relay);
  }
  CHECK(scene.nothing_left());
  CHECK(scene.server.relay_count() == 1);
}

TEST_CASE("deadlines are told ahead, and none is left when nothing is") {
  Scene scene;
  CHECK_FALSE(scene.server.next_deadline());
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.server.next_deadline());
  CHECK(*scene.server.next_deadline() <= scene.now.steady + seconds(600));
  int wake_ups = 0;
  while (const auto next = scene.server.next_deadline()) {
    scene.pass(*next - scene.now.steady);
    REQUIRE(++wake_ups < 100);
  }
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.now.steady >= Scene::start() + seconds(600));
  CHECK(scene.now.steady < Scene::start() + seconds(601));
}

} // namespace
