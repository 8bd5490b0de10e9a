// What people see of allocations: ids, ages, what was relayed, who proved what; and ending one.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>

#include "tests/support/turn/several_workers.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::minutes;
using std::chrono::seconds;
using stun::Attribute;
using stun::ErrorCode;
using stun::Method;
using turnd::AllocationEnd;
using turnd::Proof;
using turnd::SessionId;
using turnd::SessionView;
using turnd::Traffic;
using turnd::Transport;

constexpr const char* kPeer = "203.0.113.9:5000";

std::vector<SessionView> all_of(const Scene& scene, std::size_t slice = 100) {
  std::vector<SessionView> views;
  std::optional<SessionId> after = SessionId{};
  while (after) after = scene.server.view_sessions(*after, slice, scene.now, views);
  return views;
}

Client client_at(int port, const char* user = "alice", const char* password = "wonder") {
  return Client(user, password, ("192.0.2.7:" + std::to_string(port)).c_str());
}

std::uint64_t ended(const Scene& scene, AllocationEnd how) {
  return scene.server.counters().ends[static_cast<std::size_t>(how)];
}

std::uint64_t proofs(const Scene& scene, Proof proof) {
  return scene.server.counters().proofs[static_cast<std::size_t>(proof)];
}

TEST_CASE("a session's id is written <worker>-<number>, and read back") {
  CHECK(turnd::to_string({.worker = 3, .number = 17}) == "3-17");
  CHECK(turnd::parse_session_id("3-17") == SessionId{.worker = 3, .number = 17});
  for (const char* wrong :
       {"", "3", "3-", "-17", "3-17x", "a-1", "3--1", "3-18446744073709551616"}) {
    CHECK_FALSE(turnd::parse_session_id(wrong));
  }
}

TEST_CASE("a session says whose it is, where from and to, how old, and how long it has") {
  Options options;
  options.relay_addresses = {relay_address("10.0.0.5", "198.51.100.5")};
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  REQUIRE(scene.request(alice, Method::create_permission, Client::peers({"203.0.113.10:1"}))
              .is_success());
  scene.pass(seconds(60));
  const auto views = all_of(scene);
  REQUIRE(views.size() == 1);
  const SessionView& view = views.front();
  CHECK(view.session.id == SessionId{.worker = 0, .number = 1});
  CHECK(view.user == "alice");
  CHECK(view.five_tuple == alice.five_tuple);
  CHECK(view.has_client);
  REQUIRE(view.relays.size() == 1);
  CHECK(view.relays[0].ip() == core::IpAddress::v4(198, 51, 100, 5)); // as the client was told
  CHECK(scene.now.steady - view.session.since == seconds(60));
  CHECK(view.left == seconds(540));
  CHECK(view.permissions == 2);
  CHECK(view.channels == 1);
  REQUIRE(view.peers.size() == 2);
  CHECK(view.peers[0].to_string() == kPeer);
  CHECK(view.peers[1].ip() == core::IpAddress::v4(203, 0, 113, 10));

  scene.pass(seconds(241)); // permissions live for 300 s, channels for 600 s
  CHECK(all_of(scene).front().permissions == 0);
  CHECK(all_of(scene).front().channels == 1);
}

TEST_CASE("a session counts payloads both ways, and none that were dropped") {
  Scene scene;
  Client alice("alice", "wonder");
  alice.five_tuple.transport = Transport::tcp;
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  (void)scene.feed(alice, Client::channel_data(0x4001, "hello"));
  (void)scene.feed(alice, Client::channel_data(0x4002, "no such channel"));
  (void)scene.feed_peer(scene.last_relay(), kPeer, "abc");
  (void)scene.feed_peer(scene.last_relay(), "203.0.113.9:5001", "as a Data indication");
  (void)scene.feed_peer(scene.last_relay(), "203.0.113.77:1", "without a permission");
  const auto session = all_of(scene).front().session;
  CHECK(session.to_peers == Traffic{.packets = 1, .bytes = 5});
  CHECK(session.to_client == Traffic{.packets = 2, .bytes = 23});
  const auto tcp = static_cast<std::size_t>(Transport::tcp);
  CHECK(scene.server.counters().to_peers[tcp] == session.to_peers);
  CHECK(scene.server.counters().to_clients[tcp] == session.to_client);
  CHECK(scene.server.counters().to_peers[0] == Traffic{});
}

TEST_CASE("slices give each session once, whatever comes and goes in between") {
  Scene scene;
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(client_at(40000 + i));
  for (Client& client : clients) REQUIRE(scene.allocate(client).is_success());

  std::vector<SessionView> views;
  auto after = scene.server.view_sessions({}, 7, scene.now, views);
  CHECK(views.size() == 7);
  REQUIRE(after);
  // The one that the slice ended with, one that was seen, and one that was not.
  for (const int gone : {6, 2, 30}) {
    REQUIRE(scene
                .request(clients[static_cast<std::size_t>(gone)], Method::refresh,
                         [](auto& m) { m.add_u32(Attribute::lifetime, 0); })
                .is_success());
  }
  for (int i = 0; i < 200; ++i) { // the table by five-tuple grows
    Client more = client_at(50000 + i, "bob", "builder");
    REQUIRE(scene.allocate(more).is_success());
  }
  while (after) after = scene.server.view_sessions(*after, 7, scene.now, views);
  std::set<SessionId> ids;
  for (const SessionView& view : views) ids.insert(view.session.id);
  CHECK(ids.size() == views.size());
  CHECK(views.size() == 50 - 1 + 200);
}

TEST_CASE("an id is not given again") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, Method::refresh, [](auto& m) { m.add_u32(Attribute::lifetime, 0); })
              .is_success());
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(all_of(scene).size() == 1);
  CHECK(all_of(scene).front().session.id.number == 2);
}

TEST_CASE("an operator ends a session: 437, silence for its peers, its port and quota are free") {
  Options options;
  options.allocations_per_user = 1;
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  const auto relay = scene.last_relay();
  const SessionId id = all_of(scene).front().session.id;
  CHECK_FALSE(scene.server.end_session({.worker = 0, .number = 99}, scene.now));

  const auto last = scene.server.end_session(id, scene.now);
  REQUIRE(last);
  CHECK(last->user == "alice");
  CHECK(last->relays.size() == 1);
  scene.settle_commands();
  CHECK(scene.closed == std::vector{relay});
  CHECK(all_of(scene).empty());
  CHECK(scene.server.is_idle());
  CHECK(scene.request(alice, Method::refresh).error() == 437);
  CHECK(scene.feed(alice, Client::channel_data(0x4001, "x")).dropped ==
        turnd::DropReason::no_allocation);
  CHECK(scene.feed_peer(relay, kPeer, "x").dropped == turnd::DropReason::unknown_relay);
  CHECK_FALSE(scene.server.end_session(id, scene.now));
  CHECK(ended(scene, AllocationEnd::killed) == 1);
  CHECK(scene.allocate(alice).is_success());
}

TEST_CASE("how allocations ended, and how long they had lived") {
  Scene scene;
  Client expires = client_at(1);
  Client deletes = client_at(2);
  Client leaves = client_at(3);
  leaves.five_tuple.transport = Transport::tcp;
  for (Client* each : {&expires, &deletes, &leaves}) REQUIRE(scene.allocate(*each).is_success());
  scene.pass(seconds(5));
  scene.server.client_gone(leaves.five_tuple, scene.now);
  scene.settle_commands();
  scene.pass(seconds(25));
  REQUIRE(
      scene.request(deletes, Method::refresh, [](auto& m) { m.add_u32(Attribute::lifetime, 0); })
          .is_success());
  scene.pass(minutes(10));
  CHECK(ended(scene, AllocationEnd::client_gone) == 1);
  CHECK(ended(scene, AllocationEnd::deleted) == 1);
  CHECK(ended(scene, AllocationEnd::expired) == 1);
  const auto lifetimes = scene.server.counters().lifetimes;
  CHECK(lifetimes.counts()[0] == 1); // up to 10 s
  CHECK(lifetimes.counts()[1] == 1); // up to a minute
  CHECK(lifetimes.total() == 3);
}

TEST_CASE("an Allocate that got no port is no allocation that ended") {
  Scene scene;
  scene.refuse_port = [](const auto&) { return true; };
  Client alice("alice", "wonder");
  CHECK(scene.allocate(alice).error() == 508);
  CHECK(scene.server.counters().lifetimes.total() == 0);
  CHECK(all_of(scene).empty());
}

TEST_CASE("allocations are counted by what they are, in slices") {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130"), relay_address("2001:db8::130")};
  options.mobility = true;
  Scene scene(options);
  Client dual = client_at(1);
  REQUIRE(scene
              .allocate(dual,
                        [](auto& m) {
                          m.add_u32(Attribute::additional_address_family, std::uint32_t{2} << 24);
                        })
              .is_success());
  Client mobile = client_at(2);
  mobile.five_tuple.transport = Transport::dtls;
  REQUIRE(
      scene.allocate(mobile, [](auto& m) { m.add(Attribute::mobility_ticket, {}); }).is_success());
  REQUIRE(scene.request(mobile, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  scene.pass(seconds(30));

  turnd::AllocationFigures figures;
  std::optional<SessionId> after = SessionId{};
  while (after) after = scene.server.count_sessions(*after, 1, scene.now, figures);
  CHECK(figures.all == 2);
  CHECK(figures.by_transport == std::array<std::uint64_t, 4>{1, 0, 0, 1});
  CHECK(figures.by_family == std::array<std::uint64_t, 2>{2, 1});
  CHECK(figures.mobile == 1);
  CHECK(figures.tcp == 0);
  CHECK(figures.permissions == 1);
  CHECK(figures.channels == 1);
  CHECK(figures.ages.counts()[1] == 2);
}

TEST_CASE("RFC 8016: a session keeps its id, age and counts at another worker, and ends there") {
  Options options;
  options.mobility = true;
  SeveralWorkers workers(2, options);
  Client old("alice", "wonder");
  const auto allocated =
      workers[0].allocate(old, [](auto& m) { m.add(Attribute::mobility_ticket, {}); });
  REQUIRE(allocated.is_success());
  REQUIRE(
      workers[0].request(old, Method::channel_bind, Client::channel(0x4000, kPeer)).is_success());
  (void)workers[0].feed(old, Client::channel_data(0x4000, "hello"));
  const SessionView before = all_of(workers[0]).front();
  workers[0].pass(seconds(10));
  workers[1].pass(seconds(10));

  Client fresh("alice", "wonder", "192.0.2.77:1");
  fresh.tag = turnd::ClientTag{2};
  workers[1].challenge(fresh);
  const Buffer ticket = allocated.answer->all(Attribute::mobility_ticket).front();
  (void)workers[1].request(fresh, Method::refresh,
                           [&](auto& m) { m.add(Attribute::mobility_ticket, ticket); });
  workers.deliver();
  (void)workers[1].feed(fresh, Client::channel_data(0x4000, "one"));
  workers.deliver();

  CHECK(all_of(workers[0]).empty());
  REQUIRE(all_of(workers[1]).size() == 1);
  const SessionView after = all_of(workers[1]).front();
  CHECK(after.session.id == before.session.id);
  CHECK(after.session.since == before.session.since);
  CHECK(after.session.to_peers == Traffic{.packets = 2, .bytes = 8});
  CHECK(after.five_tuple == fresh.five_tuple);
  CHECK_FALSE(workers[0].server.end_session(after.session.id, workers[0].now));
  CHECK(workers[1].server.end_session(after.session.id, workers[1].now));
}

TEST_CASE("what requests proved about their senders, for the operator alone to see") {
  Options options;
  options.shared_secrets = {"north"};
  Scene scene(options);
  Client alice = client_at(1);
  REQUIRE(scene.allocate(alice).is_success()); // after the challenge
  CHECK(proofs(scene, Proof::absent) == 1);
  CHECK(proofs(scene, Proof::right) == 1);

  Client wrong = client_at(2, "alice", "guess");
  CHECK(scene.allocate(wrong).error() == 401);
  CHECK(proofs(scene, Proof::wrong) == 1);
  Client long_ago = client_at(4, "1000:alice", "anything");
  CHECK(scene.allocate(long_ago).error() == 401);
  CHECK(proofs(scene, Proof::expired) == 1);

  scene.pass(minutes(11)); // nonces last 10
  CHECK(scene.request(wrong, Method::allocate, Client::udp()).error() == 438);
  CHECK(proofs(scene, Proof::stale_nonce) == 1);
  CHECK(scene.server.counters().refusals.of(Method::allocate, ErrorCode::stale_nonce) == 1);

  Scene other; // without shared secrets every name that isn't listed is unknown
  Client nobody = client_at(3, "1000:nobody", "anything");
  CHECK(other.allocate(nobody).error() == 401);
  CHECK(proofs(other, Proof::unknown_user) == 1);
  CHECK(proofs(other, Proof::expired) == 0);
}

TEST_CASE("requests and refusals are counted by method") {
  Scene scene;
  Client alice("alice", "wonder");
  (void)scene.feed(alice, alice.unsigned_request(Method::binding));
  REQUIRE(scene.allocate(alice).is_success());
  CHECK(scene.request(alice, Method::allocate, Client::udp()).error() == 437);
  const auto counters = scene.server.counters();
  CHECK(counters.requests[turnd::index_of(Method::binding)] == 1);
  CHECK(counters.requests[turnd::index_of(Method::allocate)] == 3);
  CHECK(counters.refusals.of(Method::allocate, ErrorCode::allocation_mismatch) == 1);
  CHECK(counters.refusals.of(Method::refresh, ErrorCode::allocation_mismatch) == 0);
  CHECK(counters.refusals.of(ErrorCode::unauthenticated) == 1);
}

} // namespace
