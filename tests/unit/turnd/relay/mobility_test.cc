// RFC 8016: an allocation goes with its client. Within one worker here; across_workers_test.cc has
// the rest.
#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/time_limited.h"
#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using stun::Method;

constexpr const char* kPeer = "203.0.113.9:5000";
constexpr const char* kElsewhere = "192.0.2.77:41000";

Options mobile() {
  Options options;
  options.mobility = true;
  return options;
}

Buffer ticket_of(const Scene::Result& result) {
  const auto all = result.answer->all(Attribute::mobility_ticket);
  return all.empty() ? Buffer{} : all.front();
}

Client::Fill with_ticket(Buffer ticket) {
  return [ticket = std::move(ticket)](auto& m) { m.add(Attribute::mobility_ticket, ticket); };
}

// A client with an allocation, a channel to a peer, and a ticket; and the same at another address.
struct Mover {
  explicit Mover(Scene& stage, const char* new_address = kElsewhere) : scene(stage) {
    const auto allocated = scene.allocate(old, with_ticket({}));
    REQUIRE(allocated.is_success());
    ticket = ticket_of(allocated);
    relay = scene.last_relay();
    REQUIRE(scene.request(old, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
    moved.five_tuple.client = address_of(new_address);
    moved.tag = turnd::ClientTag{2};
    scene.challenge(moved);
  }

  Scene::Result refresh_with(const Buffer& shown, const Client::Fill& more = [](auto&) {}) {
    return scene.request(moved, Method::refresh, Client::both(with_ticket(shown), more));
  }
  bool relays_from(Client& client) {
    return scene.feed(client, Client::channel_data(0x4000, "hello")).to_peer.has_value();
  }
  std::optional<turnd::ClientTag> peers_reach() {
    return scene.feed_peer(relay, kPeer, "hello").tag;
  }

  Scene& scene;
  Client old{"alice", "wonder"};
  Client moved{"alice", "wonder"};
  Buffer ticket;
  turnd::RelayId relay;
};

TEST_CASE("RFC 8016 3.1: an empty MOBILITY-TICKET gets a ticket; nobody else gets one") {
  Scene scene(mobile());
  Client alice("alice", "wonder");
  const auto with = scene.allocate(alice, with_ticket({}));
  REQUIRE(with.is_success());
  CHECK(ticket_of(with).size() == turnd::TicketMaker::kTicketBytes);
  Client bob("bob", "builder", "192.0.2.8:1");
  const auto without = scene.allocate(bob);
  REQUIRE(without.is_success());
  CHECK(ticket_of(without).empty());
}

TEST_CASE("RFC 8016 3.1: a ticket in an Allocate is 400; where mobility is off, a wish is 405") {
  Scene scene(mobile());
  Client alice("alice", "wonder");
  CHECK(scene.allocate(alice, with_ticket({1, 2, 3})).error() == 400);
  Scene off;
  Client bob("bob", "builder");
  CHECK(off.allocate(bob, with_ticket({})).error() == 405);
  CHECK(off.allocate(bob).is_success());
  CHECK(off.request(bob, Method::refresh, with_ticket({1, 2, 3})).error() == 405);
  Client carol("bob", "builder", "192.0.2.9:1");
  off.challenge(carol);
  CHECK(off.request(carol, Method::refresh, with_ticket({1, 2, 3})).error() == 405);
}

TEST_CASE("RFC 8016 3.2: the allocation moves when the new five-tuple is used, not before") {
  Scene scene(mobile());
  Mover alice(scene);
  const auto granted = alice.refresh_with(alice.ticket, Client::lifetime(900));
  REQUIRE(granted.is_success());
  CHECK(granted.tag == alice.moved.tag);
  CHECK(granted.answer->u32(Attribute::lifetime) == 900);
  CHECK(ticket_of(granted).size() == alice.ticket.size());
  CHECK(ticket_of(granted) != alice.ticket);

  CHECK(alice.peers_reach() == alice.old.tag);
  CHECK(alice.relays_from(alice.old));

  CHECK(alice.relays_from(alice.moved));
  CHECK(alice.peers_reach() == alice.moved.tag);
  CHECK(scene.feed(alice.old, Client::channel_data(0x4000, "x")).dropped ==
        turnd::DropReason::no_allocation);
  CHECK(scene.request(alice.old, Method::refresh).error() == 437);
  CHECK(scene.server.allocation_count() == 1);
  CHECK(scene.quota.taken() == 1);
  CHECK(scene.closed.empty());
  // What the old five-tuple bound is there, and everything else goes on.
  CHECK(scene.request(alice.moved, Method::create_permission, Client::peers({"203.0.113.1:1"}))
            .is_success());
  scene.pass(seconds(901));
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.own_mobile_allocations.size() == 0);
}

TEST_CASE("RFC 8016 3.2: any use moves it: a request, a Send indication; a Binding doesn't") {
  SECTION("a request") {
    Scene scene(mobile());
    Mover alice(scene);
    REQUIRE(alice.refresh_with(alice.ticket).is_success());
    CHECK(
        scene.request(alice.moved, Method::create_permission, Client::peers({kPeer})).is_success());
    CHECK(alice.peers_reach() == alice.moved.tag);
  }
  SECTION("a Send indication") {
    Scene scene(mobile());
    Mover alice(scene);
    REQUIRE(alice.refresh_with(alice.ticket).is_success());
    CHECK(scene.feed(alice.moved, alice.moved.send_indication(kPeer, "hello")).to_peer);
    CHECK(alice.peers_reach() == alice.moved.tag);
  }
  SECTION("neither a Binding nor what nobody signed") {
    Scene scene(mobile());
    Mover alice(scene);
    REQUIRE(alice.refresh_with(alice.ticket).is_success());
    CHECK(scene.feed(alice.moved, alice.moved.unsigned_request(Method::binding)).is_success());
    CHECK(scene.feed(alice.moved, alice.moved.unsigned_request(Method::refresh)).error() == 401);
    CHECK(scene.feed(alice.moved, Buffer(40, 0)).dropped == turnd::DropReason::not_turn);
    CHECK(alice.peers_reach() == alice.old.tag);
  }
}

TEST_CASE("RFC 8016: the Refresh may come again, before and after the move") {
  Scene scene(mobile());
  Mover alice(scene);
  const auto granted = alice.refresh_with(alice.ticket);
  const auto again = [&] {
    return scene.feed(alice.moved, alice.moved.again(Method::refresh, stun::Class::request,
                                                     with_ticket(alice.ticket), true));
  };
  const auto second = again();
  REQUIRE(second.is_success());
  CHECK(ticket_of(second) == ticket_of(granted));
  CHECK(alice.peers_reach() == alice.old.tag);
  REQUIRE(alice.relays_from(alice.moved));
  const auto third = again();
  REQUIRE(third.is_success());
  CHECK(ticket_of(third) == ticket_of(granted));
}

TEST_CASE("RFC 8016: a ticket is good until the next has arrived, and no longer") {
  Scene scene(mobile());
  Mover alice(scene);
  const auto first = alice.refresh_with(alice.ticket);
  REQUIRE(first.is_success());

  // That answer was lost, and the client has moved on: its ticket is still good.
  Client third("alice", "wonder", "192.0.2.99:9");
  third.tag = turnd::ClientTag{3};
  scene.challenge(third);
  const auto second = scene.request(third, Method::refresh, with_ticket(alice.ticket));
  REQUIRE(second.is_success());
  // The later one counts; what comes late from the earlier calls nothing back.
  CHECK_FALSE(alice.relays_from(alice.moved));
  CHECK(alice.relays_from(third));
  CHECK(alice.peers_reach() == third.tag);

  Client fourth("alice", "wonder", "192.0.2.111:9");
  scene.challenge(fourth);
  CHECK(scene.request(fourth, Method::refresh, with_ticket(alice.ticket)).error() == 400);
  CHECK(scene.request(fourth, Method::refresh, with_ticket(ticket_of(first))).error() == 400);
  CHECK(scene.request(fourth, Method::refresh, with_ticket(ticket_of(second))).is_success());
}

TEST_CASE("RFC 8016: who hasn't moved may show the ticket, and is told the one that is good") {
  Scene scene(mobile());
  Mover alice(scene);
  const auto plain = scene.request(alice.old, Method::refresh);
  CHECK(ticket_of(plain) == alice.ticket);
  CHECK(scene.request(alice.old, Method::refresh, with_ticket(alice.ticket)).is_success());
  CHECK(scene.request(alice.old, Method::refresh, with_ticket(Buffer(32, 0))).error() == 400);
  CHECK(scene.request(alice.old, Method::refresh, with_ticket({})).error() == 400);
}

TEST_CASE("RFC 8016 section 5: a ticket is for its owner alone, and can't be made by others") {
  Scene scene(mobile());
  Mover alice(scene);
  Client thief("bob", "builder", "192.0.2.66:6");
  scene.challenge(thief);
  CHECK(scene.request(thief, Method::refresh, with_ticket(alice.ticket)).error() == 441);
  Client guesser("alice", "wrong", "192.0.2.66:7");
  scene.challenge(guesser);
  CHECK(scene.request(guesser, Method::refresh, with_ticket(alice.ticket)).error() == 401);
  CHECK(scene.feed(guesser, guesser.unsigned_request(Method::refresh, with_ticket(alice.ticket)))
            .error() == 401);

  for (const std::size_t byte : {0U, 10U, 15U, 16U, 31U}) {
    Buffer forged = alice.ticket;
    forged[byte] ^= 1;
    CHECK(alice.refresh_with(forged).error() == 400);
  }
  Buffer shorter = alice.ticket;
  shorter.pop_back();
  CHECK(alice.refresh_with(shorter).error() == 400);
  CHECK(alice.refresh_with({}).error() == 400);
  // None of it has changed anything.
  CHECK(alice.peers_reach() == alice.old.tag);
  CHECK(alice.refresh_with(alice.ticket).is_success());
}

TEST_CASE("RFC 8016: what is wrong with the Refresh is told from the new five-tuple too") {
  Scene scene(mobile());
  Mover alice(scene);
  CHECK(alice
            .refresh_with(alice.ticket,
                          Client::family(Attribute::requested_address_family, stun::kFamilyIpv6))
            .error() == 443);
  const auto unknown =
      alice.refresh_with(alice.ticket, [](auto& m) { m.add_u32(stun::Attribute{0x7abc}, 1); });
  CHECK(unknown.error() == 420);
  CHECK(unknown.answer->all(Attribute::unknown_attributes) ==
        std::vector<Buffer>{Buffer{0x7a, 0xbc}});
  CHECK(alice
            .refresh_with(
                alice.ticket,
                [](auto& m) { m.add_text(stun::Attribute{0xc001}, std::string(3000, 'x')); })
            .dropped == turnd::DropReason::too_long);
  CHECK(alice.refresh_with(alice.ticket).is_success());
}

TEST_CASE("RFC 8016: lifetime 0 from elsewhere ends the allocation; then its ticket is 437") {
  Scene scene(mobile());
  Mover alice(scene);
  const auto ended = alice.refresh_with(alice.ticket, Client::lifetime(0));
  REQUIRE(ended.is_success());
  CHECK(ended.answer->u32(Attribute::lifetime) == 0);
  CHECK(ticket_of(ended).empty());
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.closed == std::vector{alice.relay});
  CHECK(scene.quota.taken() == 0);
  CHECK(alice.refresh_with(alice.ticket).error() == 437);
  CHECK(scene.server.is_idle());
  // The five-tuple is free for an allocation of its own.
  CHECK(scene.allocate(alice.moved).is_success());
}

TEST_CASE("RFC 8016: a mobile allocation outlives its connection, and waits for its client") {
  Scene scene(mobile());
  Client old("alice", "wonder");
  old.five_tuple.transport = turnd::Transport::tcp;
  const auto allocated = scene.allocate(old, with_ticket({}));
  REQUIRE(allocated.is_success());
  REQUIRE(scene.request(old, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
  scene.server.client_gone(old.five_tuple, scene.now);
  CHECK(scene.server.allocation_count() == 1);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x").dropped == turnd::DropReason::no_client);

  Client udp("alice", "wonder", kElsewhere); // another transport, too
  udp.tag = turnd::ClientTag{5};
  scene.challenge(udp);
  REQUIRE(scene.request(udp, Method::refresh, with_ticket(ticket_of(allocated))).is_success());
  CHECK(scene.feed(udp, Client::channel_data(0x4000, "hello")).to_peer);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x").tag == udp.tag);
}

TEST_CASE("RFC 8016: when nobody comes back, time ends a mobile allocation") {
  Scene scene(mobile());
  Client old("alice", "wonder");
  old.five_tuple.transport = turnd::Transport::tls;
  REQUIRE(scene.allocate(old, with_ticket({})).is_success());
  scene.server.client_gone(old.five_tuple, scene.now);
  scene.pass(seconds(601));
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.closed.size() == 1);
}

TEST_CASE("RFC 8016 3.2: the old connection's end is the sign to go on at the new one") {
  Scene scene(mobile());
  Client old("alice", "wonder");
  old.five_tuple.transport = turnd::Transport::tcp;
  const auto allocated = scene.allocate(old, with_ticket({}));
  REQUIRE(scene.request(old, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
  Client fresh("alice", "wonder", kElsewhere);
  fresh.tag = turnd::ClientTag{6};
  fresh.five_tuple.transport = turnd::Transport::tls;
  scene.challenge(fresh);
  REQUIRE(scene.request(fresh, Method::refresh, with_ticket(ticket_of(allocated))).is_success());
  scene.server.client_gone(old.five_tuple, scene.now);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x").tag == fresh.tag);
}

TEST_CASE("RFC 8016: a client that goes before it has used its new connection is forgotten there") {
  Scene scene(mobile());
  Mover alice(scene);
  alice.moved.five_tuple.transport = turnd::Transport::tcp;
  REQUIRE(alice.refresh_with(alice.ticket).is_success());
  CHECK(scene.server.has_allocation(alice.moved.five_tuple));
  scene.server.client_gone(alice.moved.five_tuple, scene.now);
  CHECK_FALSE(scene.server.has_allocation(alice.moved.five_tuple));
  CHECK(alice.peers_reach() == alice.old.tag);
}

TEST_CASE("RFC 8016: a time-limited name that has expired still has its allocation's key") {
  Options options = mobile();
  options.shared_secrets = {"secret"};
  Scene scene(options);
  const std::string name =
      std::to_string(scene.now.wall.time_since_epoch().count() + 60) + ":carol";
  const std::string password(stun::time_limited_password(core::Secret("secret"), name).reveal());
  Client old(name, password);
  const auto allocated = scene.allocate(old, with_ticket({}));
  REQUIRE(allocated.is_success());
  scene.pass(seconds(120));
  Client fresh(name, password, kElsewhere);
  scene.challenge(fresh);
  CHECK(scene.allocate(fresh).error() == 401);
  CHECK(scene.request(fresh, Method::refresh, with_ticket(ticket_of(allocated))).is_success());
}

} // namespace
