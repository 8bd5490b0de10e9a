// What moves between workers: allocations with their clients (RFC 8016), reserved ports (RFC 8656
// section 7.2). The kernel deals clients out by address, so nobody chooses the worker.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/several_workers.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using stun::Method;

constexpr const char* kPeer = "203.0.113.9:5000";

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

// Alice has an allocation at worker 0; her new addresses are dealt to others.
struct Stage {
  explicit Stage(unsigned count = 2, const Options& options = mobile()) : workers(count, options) {
    const auto allocated = workers[0].allocate(old, with_ticket({}));
    REQUIRE(allocated.is_success());
    ticket = ticket_of(allocated);
    REQUIRE(
        workers[0].request(old, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
    relayed = required(allocated.answer->address(Attribute::xor_relayed_address));
  }

  Client at(const char* address, std::uint64_t tag, unsigned worker) {
    Client client("alice", "wonder", address);
    client.tag = turnd::ClientTag{tag};
    workers[worker].challenge(client);
    return client;
  }
  bool relays_from(unsigned worker, Client& client) {
    return workers[worker].feed(client, Client::channel_data(0x4000, "hello")).to_peer.has_value();
  }

  SeveralWorkers workers;
  Client old{"alice", "wonder"};
  Buffer ticket;
  core::SocketAddress relayed;
};

TEST_CASE("RFC 8016: an allocation moves to the worker that its client's new address is dealt to") {
  Stage stage;
  auto& workers = stage.workers;
  Client fresh = stage.at("192.0.2.77:1", 2, 1);

  const auto asked = workers[1].request(fresh, Method::refresh, with_ticket(stage.ticket));
  CHECK(asked.dropped == turnd::DropReason::answer_comes_later);
  // Nothing is answered twice: its copy waits for the same answer.
  CHECK(workers[1]
            .feed(fresh, fresh.again(Method::refresh, stun::Class::request,
                                     with_ticket(stage.ticket), true))
            .dropped == turnd::DropReason::answer_comes_later);
  workers.deliver();
  REQUIRE(workers.answers.size() == 1);
  REQUIRE(workers.answers[0].is_success());
  CHECK(workers.answers[0].tag == fresh.tag);
  CHECK(workers.answers[0].five_tuple == fresh.five_tuple);
  const Buffer next = ticket_of(workers.answers[0]);
  CHECK(next != stage.ticket);

  // Until the new address is used, the old one serves.
  CHECK(stage.relays_from(0, stage.old));
  CHECK(workers[0].server.allocation_count() == 1);
  CHECK(workers[1].server.allocation_count() == 0);

  // The first packet waits for its allocation, and is not lost.
  CHECK(workers[1].feed(fresh, Client::channel_data(0x4000, "one")).dropped ==
        turnd::DropReason::answer_comes_later);
  CHECK(workers[1].feed(fresh, Client::channel_data(0x4000, "two")).dropped ==
        turnd::DropReason::answer_comes_later);
  workers.deliver();
  REQUIRE(workers[1].handled_again.size() == 2);
  CHECK(required(workers[1].handled_again[0].to_peer).payload == "one");
  CHECK(required(workers[1].handled_again[1].to_peer).payload == "two");

  CHECK(workers[0].server.allocation_count() == 0);
  CHECK(workers[0].server.relay_count() == 0);
  CHECK(workers[0].closed.empty()); // the socket has gone along
  CHECK(workers[0].server.is_idle());
  CHECK_FALSE(workers[0].server.next_deadline());
  CHECK(workers[1].server.allocation_count() == 1);
  REQUIRE(workers.moved.size() == 1);
  const auto relay = required(workers.moved[0][0]);
  CHECK(relay.address.port() == stage.relayed.port());
  CHECK(workers[1].feed_peer(relay.id, kPeer, "back").tag == fresh.tag);
  CHECK(stage.relays_from(1, fresh));
  CHECK_FALSE(stage.relays_from(0, stage.old));
  CHECK(workers[1]
            .feed(fresh, fresh.again(Method::refresh, stun::Class::request,
                                     with_ticket(stage.ticket), true))
            .is_success()); // late, but the same

  // Its end: the port goes home to worker 0, the quota is free.
  REQUIRE(workers[1].request(fresh, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(workers[1].closed == std::vector{relay.id});
  CHECK(workers.quota.taken() == 0);
  CHECK(workers.mobile_allocations.size() == 0);
  const unsigned home = turnd::PortPool::home_of(stage.relayed.port(), 2);
  CHECK(home == 0);
  CHECK(workers.reservations.returned_port(0) == stage.relayed);
}

TEST_CASE("RFC 8016: permissions, channels and the lifetime keep their times across the move") {
  Stage stage;
  auto& workers = stage.workers;
  workers.pass(seconds(200));
  Client fresh = stage.at("192.0.2.77:1", 2, 1);
  (void)workers[1].request(fresh, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  (void)workers[1].feed(fresh, Client::channel_data(0x4000, "x"));
  workers.deliver();
  workers.pass(seconds(99));
  CHECK(stage.relays_from(1, fresh));
  workers.pass(seconds(2)); // 301 s after the ChannelBind
  CHECK(workers[1].feed(fresh, Client::channel_data(0x4000, "x")).dropped ==
        turnd::DropReason::no_permission);
  workers.pass(seconds(498));
  CHECK(workers[1].server.allocation_count() == 1);
  workers.pass(seconds(3)); // 602 s after the Refresh
  CHECK(workers[1].server.allocation_count() == 0);
}

TEST_CASE("RFC 8016: a request that finds its allocation on the way is answered when it is there") {
  Stage stage;
  auto& workers = stage.workers;
  Client fresh = stage.at("192.0.2.77:1", 2, 1);
  (void)workers[1].request(fresh, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  CHECK(workers[1]
            .request(fresh, Method::create_permission, Client::peers({"203.0.113.1:1"}))
            .dropped == turnd::DropReason::answer_comes_later);
  workers.deliver();
  REQUIRE(workers[1].handled_again.size() == 1);
  CHECK(workers[1].handled_again[0].is_success());
}

TEST_CASE("RFC 8016: there and back again, and on to a third") {
  Stage stage(3);
  auto& workers = stage.workers;
  Buffer ticket = stage.ticket;
  unsigned at = 0;
  for (const unsigned to : {1U, 0U, 2U, 1U, 1U}) {
    const std::string address = "192.0.2." + std::to_string(100 + at * 10 + to) + ":7";
    Client fresh = stage.at(address.c_str(), 10 + to, to);
    const auto here = workers[to].request(fresh, Method::refresh, with_ticket(ticket));
    workers.deliver();
    if (here.answer) {
      ticket = ticket_of(here);
    } else {
      ticket = ticket_of(workers.answers.back());
    }
    REQUIRE_FALSE(ticket.empty());
    (void)workers[to].feed(fresh, Client::channel_data(0x4000, "x"));
    workers.deliver();
    CHECK(stage.relays_from(to, fresh));
    at = to;
  }
  workers.pass(seconds(700));
  for (unsigned i = 0; i < 3; ++i) {
    CHECK(workers[i].server.is_idle());
    CHECK(workers[i].server.relay_count() == 0);
  }
  CHECK(workers.reservations.returned_port(0) == stage.relayed);
}

TEST_CASE("RFC 8016: of two moves at once the later ticket counts") {
  Stage stage(3);
  auto& workers = stage.workers;
  Client first = stage.at("192.0.2.77:1", 2, 1);
  Client second = stage.at("192.0.2.88:1", 3, 2);
  (void)workers[1].request(first, Method::refresh, with_ticket(stage.ticket));
  (void)workers[2].request(second, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  REQUIRE(workers.answers.size() == 2);
  CHECK(workers.answers[0].is_success());
  CHECK(workers.answers[1].is_success());
  // Both are used; the first's packet finds nothing.
  (void)workers[1].feed(first, Client::channel_data(0x4000, "x"));
  (void)workers[2].feed(second, Client::channel_data(0x4000, "y"));
  workers.deliver();
  CHECK_FALSE(stage.relays_from(1, first));
  CHECK(stage.relays_from(2, second));
  CHECK(workers[0].server.allocation_count() + workers[1].server.allocation_count() == 0);
}

TEST_CASE("RFC 8016: an owner that has handed on is followed, and one that is gone is 437") {
  Stage stage(3);
  auto& workers = stage.workers;
  Client first = stage.at("192.0.2.77:1", 2, 1);
  (void)workers[1].request(first, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  const Buffer ticket = ticket_of(workers.answers.back());
  Client second = stage.at("192.0.2.88:1", 3, 2);

  SECTION("the question arrives when the allocation has just left") {
    (void)workers[2].request(second, Method::refresh, with_ticket(ticket)); // asks worker 0
    const auto question = std::move(workers[2].to_others);
    workers[2].to_others.clear();
    (void)workers[1].feed(first, Client::channel_data(0x4000, "x"));
    workers.deliver();
    workers[2].to_others.push_back(std::get<turnd::MobilityQuestion>(question.front()));
    workers.deliver();
    CHECK(workers.answers.back().is_success());
    (void)workers[2].feed(second, Client::channel_data(0x4000, "x"));
    workers.deliver();
    CHECK(stage.relays_from(2, second));
  }
  SECTION("the allocation ends meanwhile") {
    (void)workers[2].request(second, Method::refresh, with_ticket(ticket));
    REQUIRE(workers[0].request(stage.old, Method::refresh, Client::lifetime(0)).is_success());
    workers.deliver();
    CHECK(workers.answers.back().error() == 437);
    // The first's five-tuple, still waiting, learns of it with its first packet.
    CHECK(workers[1].feed(first, Client::channel_data(0x4000, "x")).dropped ==
          turnd::DropReason::no_allocation);
    CHECK(workers[1].server.is_idle());
  }
  SECTION("the owner never answers") {
    (void)workers[2].request(second, Method::refresh, with_ticket(ticket));
    CHECK_FALSE(workers[2].server.is_idle());
    workers[2].pass(turnd::Server::kOwnerAnswerLimit + seconds(1));
    CHECK(workers[2].server.is_idle());
    CHECK(workers[2].allocate(second).is_success()); // it is a stranger's five-tuple again
  }
}

TEST_CASE("RFC 8016: workers that drain still give and take what is there") {
  Stage stage;
  auto& workers = stage.workers;
  workers[0].server.begin_drain();
  workers[1].server.begin_drain();
  Client fresh = stage.at("192.0.2.77:1", 2, 1);
  (void)workers[1].request(fresh, Method::refresh, with_ticket(stage.ticket));
  CHECK_FALSE(workers[1].server.is_idle()); // so the worker must not end now
  workers.deliver();
  CHECK_FALSE(workers[1].server.is_idle());
  (void)workers[1].feed(fresh, Client::channel_data(0x4000, "x"));
  workers.deliver();
  CHECK(stage.relays_from(1, fresh));
  CHECK(workers[0].server.is_idle());
}

TEST_CASE("RFC 8016: a client that goes while its allocation is on the way can come for it again") {
  Stage stage;
  auto& workers = stage.workers;
  Client fresh = stage.at("192.0.2.77:1", 2, 1);
  fresh.five_tuple.transport = turnd::Transport::tcp;
  (void)workers[1].request(fresh, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  const Buffer ticket = ticket_of(workers.answers.back());
  (void)workers[1].feed(fresh, Client::channel_data(0x4000, "x"));
  workers[1].server.client_gone(fresh.five_tuple, workers[1].now);
  workers.deliver();
  CHECK(workers[1].handled_again.empty());
  CHECK(workers[1].server.allocation_count() == 1);
  const auto relay = required(workers.moved[0][0]).id;
  CHECK(workers[1].feed_peer(relay, kPeer, "x").dropped == turnd::DropReason::no_client);
  Client third = stage.at("192.0.2.99:1", 4, 0);
  (void)workers[0].request(third, Method::refresh, with_ticket(ticket));
  workers.deliver();
  REQUIRE(workers.answers.back().is_success());
  (void)workers[0].feed(third, Client::channel_data(0x4000, "x"));
  workers.deliver();
  CHECK(stage.relays_from(0, third));
}

TEST_CASE("RFC 8016: the old connection's end sends the allocation to the worker of the new one") {
  SeveralWorkers workers(2, mobile());
  Client old("alice", "wonder");
  old.five_tuple.transport = turnd::Transport::tcp;
  const auto allocated = workers[0].allocate(old, with_ticket({}));
  REQUIRE(allocated.is_success());
  Client fresh("alice", "wonder", "192.0.2.77:1");
  fresh.tag = turnd::ClientTag{2};
  workers[1].challenge(fresh);
  (void)workers[1].request(fresh, Method::refresh, with_ticket(ticket_of(allocated)));
  workers.deliver();
  workers[0].server.client_gone(old.five_tuple, workers[0].now);
  workers[0].settle_commands();
  workers.deliver();
  CHECK(workers[0].server.is_idle());
  CHECK(workers[1].server.allocation_count() == 1);
  CHECK(workers[1].request(fresh, Method::refresh).is_success());
}

TEST_CASE("RFC 8016: what waits for an allocation is limited") {
  Stage stage;
  auto& workers = stage.workers;
  Client fresh = stage.at("192.0.2.77:1", 2, 1);
  (void)workers[1].request(fresh, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  for (std::size_t i = 0; i < turnd::Arrival::kMaxHeld; ++i) {
    CHECK(workers[1].feed(fresh, Client::channel_data(0x4000, "x")).dropped ==
          turnd::DropReason::answer_comes_later);
  }
  CHECK(workers[1].feed(fresh, Client::channel_data(0x4000, "x")).dropped ==
        turnd::DropReason::limited);
  workers.deliver();
  CHECK(workers[1].handled_again.size() == turnd::Arrival::kMaxHeld);
}

TEST_CASE(
    "RFC 8016: refusals come from the owner's worker: wrong user, wrong password, old ticket") {
  Stage stage;
  auto& workers = stage.workers;
  Client bob("bob", "builder", "192.0.2.66:6");
  workers[1].challenge(bob);
  (void)workers[1].request(bob, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  CHECK(workers.answers.back().error() == 441);
  Client wrong("alice", "guess", "192.0.2.66:7");
  workers[1].challenge(wrong);
  (void)workers[1].request(wrong, Method::refresh, with_ticket(stage.ticket));
  workers.deliver();
  CHECK(workers.answers.back().error() == 401);
  CHECK_FALSE(workers.answers.back().answer->has(Attribute::message_integrity)); // rule 12
  CHECK(workers[1].server.is_idle());
  CHECK(stage.relays_from(0, stage.old));
}

TEST_CASE("rule 5: a reserved port is held, and taken by whichever worker the token comes to") {
  SeveralWorkers workers(2);
  Client alice("alice", "wonder");
  const auto even = workers[0].allocate(
      alice, [](auto& m) { m.add(Attribute::even_port, std::array<std::uint8_t, 1>{0x80}); });
  REQUIRE(even.is_success());
  const auto port = required(even.answer->address(Attribute::xor_relayed_address)).port();
  const Buffer token = even.answer->all(Attribute::reservation_token).front();
  Client second("alice", "wonder", "192.0.2.7:40001");
  const auto odd =
      workers[1].allocate(second, [&](auto& m) { m.add(Attribute::reservation_token, token); });
  REQUIRE(odd.is_success());
  CHECK(required(odd.answer->address(Attribute::xor_relayed_address)).port() == port + 1);
  REQUIRE(workers[1].request(second, Method::refresh, Client::lifetime(0)).is_success());
  CHECK(required(workers.reservations.returned_port(0)).port() == port + 1);
}

} // namespace
