// What another process of turnd takes over is there as it was: turnd/relay/take_over.h.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/taken_over.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using stun::Method;
using turnd::DropReason;

constexpr const char* kPeer = "203.0.113.9:5000";

struct Stage {
  explicit Stage(const Options& options = {}, unsigned workers = 1, unsigned fresh_workers = 1)
      : old(workers, options), fresh(fresh_workers, options) {}

  void pass(core::Duration time) {
    old.pass(time);
    fresh.pass(time);
  }
  turnd::RelayId take_over_one() {
    const auto state = take_over(old, fresh);
    return required(state.servers.at(0).allocations.at(0).relays[0]).id;
  }

  SeveralWorkers old;
  SeveralWorkers fresh;
};

TEST_CASE("an allocation that another process takes over relays both ways, and is gone here") {
  Stage stage;
  Client alice("alice", "wonder");
  REQUIRE(stage.old[0].allocate(alice).is_success());
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  const turnd::RelayId theirs = stage.old[0].last_relay();

  const turnd::RelayId relay = stage.take_over_one();
  const auto up = stage.fresh[0].feed(alice, Client::channel_data(0x4000, "up"));
  CHECK(required(up.to_peer).payload == "up");
  CHECK(required(up.to_peer).relay == relay);
  const auto down = stage.fresh[0].feed_peer(relay, kPeer, "down");
  CHECK(required(down.to_client) == Client::channel_data(0x4000, "down"));
  CHECK(down.tag == alice.tag);

  CHECK(stage.old[0].closed == std::vector{theirs});
  CHECK(stage.old[0].server.is_idle());
  CHECK(stage.old.quota.taken() == 0);
  CHECK_FALSE(stage.old[0].server.next_deadline());
  CHECK(stage.old[0].feed(alice, Client::channel_data(0x4000, "up")).dropped ==
        DropReason::no_allocation);
}

TEST_CASE("what is asked for changes nothing: without let_go() the old process serves on") {
  Stage stage;
  Client alice("alice", "wonder");
  REQUIRE(stage.old[0].allocate(alice).is_success());
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  (void)sent(state_of(stage.old));
  CHECK(stage.old[0].feed(alice, Client::channel_data(0x4000, "up")).to_peer);
  CHECK(stage.old[0].feed_peer(stage.old[0].last_relay(), kPeer, "down").to_client);
  CHECK(stage.old[0].request(alice, Method::refresh).is_success());
  CHECK(stage.old.quota.taken() == 1);
}

TEST_CASE("lifetime, permission and channel end when they would have ended (RFC 8656 3.2, 9, 12)") {
  Stage stage;
  Client alice("alice", "wonder");
  REQUIRE(stage.old[0].allocate(alice).is_success());
  stage.pass(seconds(100));
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  stage.pass(seconds(200));
  (void)stage.take_over_one();
  auto& scene = stage.fresh[0];
  const auto relays = [&] {
    return scene.feed(alice, Client::channel_data(0x4000, "x")).to_peer.has_value();
  };
  stage.pass(seconds(99));
  CHECK(relays());
  stage.pass(seconds(1)); // 300 s after the ChannelBind
  CHECK(scene.feed(alice, Client::channel_data(0x4000, "x")).dropped == DropReason::no_permission);
  REQUIRE(scene.request(alice, Method::create_permission, Client::peers({kPeer})).is_success());
  CHECK(relays()); // the channel is still bound
  stage.pass(seconds(199));
  CHECK(scene.server.allocation_count() == 1);
  stage.pass(seconds(2)); // 601 s after the Allocate
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.closed.size() == 1);
  CHECK(stage.fresh.quota.taken() == 0);
  CHECK_FALSE(scene.server.next_deadline());
}

TEST_CASE("the Allocate that made it, sent again, gets the same answer (RFC 8656 section 7.2)") {
  Stage stage;
  Client alice("alice", "wonder");
  const auto first = stage.old[0].allocate(alice, Client::lifetime(1000));
  REQUIRE(first.is_success());
  stage.pass(seconds(10));
  (void)stage.take_over_one();
  const auto repeated = Client::udp_and(Client::lifetime(1000));
  const auto again = stage.fresh[0].feed(
      alice, alice.again(Method::allocate, stun::Class::request, repeated, Client::kSigned));
  REQUIRE(again.is_success());
  CHECK(again.answer->address(Attribute::xor_relayed_address) ==
        first.answer->address(Attribute::xor_relayed_address));
  CHECK(again.answer->u32(Attribute::lifetime) == 990);
  CHECK(stage.fresh[0].allocate(alice).error() == 437); // another one
}

TEST_CASE(
    "nonce and key go on: Refresh, CreatePermission and ChannelBind without a new challenge") {
  Stage stage;
  Client alice("alice", "wonder");
  alice.algorithm = stun::PasswordAlgorithm::sha256;
  REQUIRE(stage.old[0].allocate(alice).is_success());
  (void)stage.take_over_one();
  auto& scene = stage.fresh[0];
  CHECK(scene.request(alice, Method::refresh).is_success());
  CHECK(scene.request(alice, Method::create_permission, Client::peers({"203.0.113.1:1"}))
            .is_success());
  CHECK(scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  CHECK(scene.request(alice, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(scene.closed.size() == 1);
}

TEST_CASE("its owner keeps it when the new process doesn't know the user any more") {
  Options before;
  SeveralWorkers old(1, before);
  Options after;
  after.users = {{"bob", "builder"}};
  SeveralWorkers fresh(1, after);
  Client alice("alice", "wonder");
  REQUIRE(old[0].allocate(alice).is_success());
  take_over(old, fresh);
  CHECK(fresh[0].request(alice, Method::refresh).is_success());
  Client thief("bob", "builder");
  fresh[0].challenge(thief);
  CHECK(fresh[0].request(thief, Method::refresh).error() == 441);
}

TEST_CASE("quotas hold for what came along, also beyond the new limits") {
  Options options;
  options.allocations_per_user = 2;
  SeveralWorkers old(1, options);
  options.allocations_per_user = 1;
  SeveralWorkers fresh(1, options);
  Client a1("alice", "wonder", "192.0.2.7:1");
  Client a2("alice", "wonder", "192.0.2.7:2");
  Client a3("alice", "wonder", "192.0.2.7:3");
  REQUIRE(old[0].allocate(a1).is_success());
  REQUIRE(old[0].allocate(a2).is_success());
  take_over(old, fresh);
  CHECK(fresh.quota.taken() == 2);
  CHECK(fresh[0].allocate(a3).error() == 486);
  REQUIRE(fresh[0].request(a1, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(fresh[0].allocate(a3).error() == 486);
  REQUIRE(fresh[0].request(a2, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(fresh[0].allocate(a3).is_success());
}

TEST_CASE(
    "a dual allocation keeps both families, and a half one its error (RFC 8656 section 7.3)") {
  Options options;
  options.relay_addresses.push_back(relay_address("2001:db8::130"));
  Stage stage(options);
  Client alice("alice", "wonder");
  const auto both = Client::family(Attribute::additional_address_family, stun::kFamilyIpv6);
  const auto first = stage.old[0].allocate(alice, both);
  REQUIRE(first.is_success());
  REQUIRE(stage.old[0].opened.size() == 2);
  const auto state = take_over(stage.old, stage.fresh);
  CHECK(turnd::descriptors(state) == turn_test::kStays + 2);
  const auto again = stage.fresh[0].feed(
      alice, alice.again(Method::allocate, stun::Class::request, Client::udp_and(both), true));
  CHECK(again.answer->all(Attribute::xor_relayed_address) ==
        again.answer->all(Attribute::xor_relayed_address));
  CHECK(again.answer->all(Attribute::xor_relayed_address).size() == 2);

  Stage half;
  Client bob("bob", "builder");
  REQUIRE(half.old[0].allocate(bob, both).is_success());
  (void)half.take_over_one();
  const auto told = half.fresh[0].feed(
      bob, bob.again(Method::allocate, stun::Class::request, Client::udp_and(both), true));
  CHECK(told.answer->has(Attribute::address_error_code));
}

TEST_CASE("peers that the new configuration forbids get nothing any more") {
  Options options;
  SeveralWorkers old(1, options);
  options.deny = networks({"203.0.113.9/32"});
  SeveralWorkers fresh(1, options);
  Client alice("alice", "wonder");
  REQUIRE(old[0].allocate(alice).is_success());
  REQUIRE(old[0].request(alice, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
  REQUIRE(old[0]
              .request(alice, Method::create_permission, Client::peers({"203.0.113.8:1"}))
              .is_success());
  take_over(old, fresh);
  CHECK(fresh[0].feed(alice, Client::channel_data(0x4000, "x")).dropped ==
        DropReason::no_permission);
  CHECK(fresh[0].feed(alice, alice.send_indication("203.0.113.8:1", "x")).to_peer);
}

TEST_CASE("what a limit has left is not given again: bandwidth across a take-over") {
  Options options;
  options.limits.bandwidth_per_allocation = 1000;
  Stage stage(options);
  Client alice("alice", "wonder");
  REQUIRE(stage.old[0].allocate(alice).is_success());
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  const Buffer most = Client::channel_data(0x4000, std::string(900, 'x'));
  REQUIRE(stage.old[0].feed(alice, most).to_peer);
  (void)stage.take_over_one();
  CHECK(stage.fresh[0].feed(alice, most).dropped == DropReason::bandwidth);
  stage.pass(seconds(1));
  CHECK(stage.fresh[0].feed(alice, most).to_peer);
}

TEST_CASE("clients whose link can't be given away stay with their allocations") {
  Stage stage;
  Client here("alice", "wonder", "192.0.2.7:1");
  here.five_tuple.transport = turnd::Transport::tls;
  here.tag = turnd::ClientTag{kStays};
  Client goes("alice", "wonder", "192.0.2.7:2");
  REQUIRE(stage.old[0].allocate(here).is_success());
  const auto stays = stage.old[0].opened[0].address;
  REQUIRE(stage.old[0].allocate(goes).is_success());
  const auto state = take_over(stage.old, stage.fresh);
  CHECK(state.servers[0].allocations.size() == 1);
  CHECK(state.servers[0].staying == std::vector{stays});
  CHECK(stage.old[0].server.allocation_count() == 1);
  CHECK(stage.old[0].request(here, Method::refresh).is_success());
  CHECK(stage.old.quota.taken() == 1);
  CHECK(stage.fresh.quota.taken() == 1);
}

TEST_CASE("ports that are taken are not dealt out again, whichever process and worker has them") {
  Options options;
  options.ports = {.first = 50000, .last = 50007};
  Stage stage(options, 2, 3); // other workers deal them out now
  std::vector<Client> clients;
  for (unsigned i = 0; i < 6; ++i) {
    const std::string address = "192.0.2.7:" + std::to_string(1000 + i);
    Client& each = clients.emplace_back("alice", "wonder", address.c_str());
    if (i == 5) each.tag = turnd::ClientTag{kStays};
    REQUIRE(stage.old[i % 2].allocate(each).is_success());
  }
  take_over(stage.old, stage.fresh);
  unsigned given = 0;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    for (unsigned i = 0; i < 3; ++i) {
      const std::string address = "192.0.2.8:" + std::to_string(10 * worker + i + 1);
      Client another("bob", "builder", address.c_str());
      if (!stage.fresh[worker].allocate(another).is_success()) continue;
      ++given;
      const auto port = stage.fresh[worker].opened.back().address.port();
      for (std::size_t old = 0; old < 2; ++old) {
        for (const auto& opened : stage.old[old].opened) CHECK(opened.address.port() != port);
      }
    }
  }
  CHECK(given == 2);

  // One that came along is free again where it is dealt out now.
  REQUIRE(stage.fresh[0].request(clients[0], Method::refresh, Client::lifetime(0)).is_success());
  const auto home = turnd::PortPool::home_of(stage.old[0].opened[0].address.port(), 3);
  Client another("bob", "builder", "192.0.2.9:1");
  CHECK(stage.fresh[home].allocate(another).error() == 508); // it rests
  stage.fresh.pass(turnd::PortPool::kRest);
  CHECK(stage.fresh[home].allocate(another).is_success());
}

TEST_CASE("a session keeps its id, age and counts in another process, whose own ids are others") {
  Stage stage;
  Client alice("alice", "wonder");
  Client bob("bob", "builder", "192.0.2.8:40000");
  REQUIRE(stage.old[0].allocate(alice).is_success());
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  (void)stage.old[0].feed(alice, Client::channel_data(0x4000, "hello"));
  (void)stage.old[0].feed_peer(stage.old[0].last_relay(), kPeer, "abc");
  const auto views_of = [](const Scene& scene) {
    std::vector<turnd::SessionView> views;
    CHECK_FALSE(scene.server.view_sessions({}, 10, scene.now, views));
    return views;
  };
  const auto before = views_of(stage.old[0]);
  stage.pass(seconds(50));
  (void)stage.take_over_one();
  CHECK(views_of(stage.old[0]).empty());
  REQUIRE(stage.fresh[0].allocate(bob).is_success());

  const auto after = views_of(stage.fresh[0]);
  REQUIRE(after.size() == 2);
  CHECK(after[0].session.id == before.at(0).session.id);
  CHECK(stage.fresh[0].now.steady - after[0].session.since == seconds(50));
  CHECK(after[0].session.to_peers == turnd::Traffic{.packets = 1, .bytes = 5});
  CHECK(after[0].session.to_client == turnd::Traffic{.packets = 1, .bytes = 3});
  CHECK(after[1].session.id.number == 2);
  CHECK(stage.fresh[0].server.end_session(after[0].session.id, stage.fresh[0].now));
}

TEST_CASE("a reserved port is there for its token, once, and as long as it would have been") {
  const auto pair = [](auto& m) { m.add(Attribute::even_port, std::array<std::uint8_t, 1>{0x80}); };
  for (const bool in_time : {true, false}) {
    Stage stage;
    Client alice("alice", "wonder", "192.0.2.7:1");
    const auto first = stage.old[0].allocate(alice, pair);
    REQUIRE(first.is_success());
    const Buffer token = first.answer->all(Attribute::reservation_token).at(0);
    const auto reserved = stage.old[0].opened.at(1).address;
    stage.pass(seconds(20));
    const auto state = take_over(stage.old, stage.fresh);
    REQUIRE(state.servers[0].reservations.size() == 1);
    CHECK(stage.old[0].nothing_left());
    CHECK_FALSE(stage.old[0].server.next_deadline());
    stage.pass(seconds(in_time ? 9 : 11));
    Client second("alice", "wonder", "192.0.2.7:2");
    const auto with_token = [&](auto& m) { m.add(Attribute::reservation_token, token); };
    const auto taken = stage.fresh[0].allocate(second, with_token);
    CHECK(taken.error() == (in_time ? 0 : 508));
    if (in_time) CHECK(stage.fresh[0].opened.back().address == reserved);
    CHECK(stage.fresh[0].allocate(second, with_token).error() == (in_time ? 437 : 508));
  }
}

// ---- mobility

Client::Fill with_ticket(Buffer ticket) {
  return [ticket = std::move(ticket)](auto& m) { m.add(Attribute::mobility_ticket, ticket); };
}
Buffer ticket_of(const Scene::Result& result) {
  return required(std::optional(result.answer->all(Attribute::mobility_ticket))).at(0);
}

TEST_CASE("RFC 8016: a mobile client moves on with the ticket that the process before gave it") {
  Options options;
  options.mobility = true;
  Stage stage(options, 2, 2);
  Client alice("alice", "wonder");
  const auto first = stage.old[0].allocate(alice, with_ticket({}));
  REQUIRE(first.is_success());
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  take_over(stage.old, stage.fresh);
  CHECK(stage.old.mobile_allocations.size() == 0);
  Client moved("alice", "wonder", "192.0.2.77:1");
  moved.tag = turnd::ClientTag{2};
  stage.fresh[1].challenge(moved);
  (void)stage.fresh[1].request(moved, Method::refresh, with_ticket(ticket_of(first)));
  stage.fresh.deliver();
  REQUIRE(stage.fresh.answers.at(0).is_success());
  (void)stage.fresh[1].feed(moved, Client::channel_data(0x4000, "x"));
  stage.fresh.deliver();
  CHECK(stage.fresh[1].server.allocation_count() == 1);
  CHECK(required(stage.fresh[1].handled_again.at(0).to_peer).payload == "x");
}

TEST_CASE("RFC 8016: an address that was granted before the take-over can be used after it") {
  Options options;
  options.mobility = true;
  Stage stage(options, 2, 2);
  Client alice("alice", "wonder");
  const auto first = stage.old[0].allocate(alice, with_ticket({}));
  REQUIRE(first.is_success());
  REQUIRE(stage.old[0]
              .request(alice, Method::channel_bind, Client::channel(0x4000, kPeer))
              .is_success());
  Client moved("alice", "wonder", "192.0.2.77:1");
  moved.tag = turnd::ClientTag{2};
  stage.old[1].challenge(moved);
  (void)stage.old[1].request(moved, Method::refresh, with_ticket(ticket_of(first)));
  CHECK_FALSE(stage.old[1].server.is_settled());
  stage.old.deliver();
  CHECK(stage.old[1].server.is_settled());
  REQUIRE(stage.old.answers.at(0).is_success());

  take_over(stage.old, stage.fresh);
  CHECK(stage.old[1].server.is_idle());
  CHECK(stage.fresh[0].feed(alice, Client::channel_data(0x4000, "from the old")).to_peer);
  (void)stage.fresh[1].feed(moved, Client::channel_data(0x4000, "x"));
  stage.fresh.deliver();
  REQUIRE(stage.fresh[1].handled_again.size() == 1);
  CHECK(required(stage.fresh[1].handled_again[0].to_peer).payload == "x");
  CHECK(stage.fresh[1]
            .request(moved, Method::refresh, with_ticket(ticket_of(stage.old.answers[0])))
            .is_success());
}

TEST_CASE("RFC 8016: a mobile client that is away finds its allocation at the new process") {
  Options options;
  options.mobility = true;
  Stage stage(options);
  Client alice("alice", "wonder");
  alice.five_tuple.transport = turnd::Transport::tls;
  alice.tag = turnd::ClientTag{kStays};
  const auto first = stage.old[0].allocate(alice, with_ticket({}));
  REQUIRE(first.is_success());
  stage.old[0].server.client_gone(alice.five_tuple, stage.old[0].now);
  const auto state = take_over(stage.old, stage.fresh);
  REQUIRE(state.servers[0].allocations.size() == 1);
  Client back("alice", "wonder", "192.0.2.77:1");
  stage.fresh[0].challenge(back);
  CHECK(stage.fresh[0].request(back, Method::refresh, with_ticket(ticket_of(first))).is_success());
}

TEST_CASE("a relay address that isn't configured any more serves those who have it") {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130", "203.0.113.130")};
  SeveralWorkers old(1, options);
  Client alice("alice", "wonder");
  const auto first = old[0].allocate(alice);
  REQUIRE(first.is_success());
  REQUIRE(old[0].request(alice, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
  options.relay_addresses = {relay_address("198.51.100.131")};
  SeveralWorkers fresh(1, options);
  take_over(old, fresh);
  CHECK(fresh[0].feed(alice, Client::channel_data(0x4000, "x")).to_peer);
  Client bob("bob", "builder", "192.0.2.8:1");
  const auto second = fresh[0].allocate(bob);
  REQUIRE(second.is_success());
  CHECK(required(second.answer->address(Attribute::xor_relayed_address)).ip() ==
        options.relay_addresses[0].ip);
  REQUIRE(fresh[0].request(alice, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(fresh[0].closed.size() == 1);
}

TEST_CASE("what a client was told of its relay address stays true when a NAT's outside changes") {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130", "203.0.113.130")};
  SeveralWorkers old(1, options);
  Client alice("alice", "wonder");
  const auto first = old[0].allocate(alice);
  options.relay_addresses = {relay_address("198.51.100.130", "203.0.113.131")};
  SeveralWorkers fresh(1, options);
  take_over(old, fresh);
  const auto again = fresh[0].feed(
      alice, alice.again(Method::allocate, stun::Class::request, Client::udp(), Client::kSigned));
  CHECK(again.answer->address(Attribute::xor_relayed_address) ==
        first.answer->address(Attribute::xor_relayed_address));
}

} // namespace
