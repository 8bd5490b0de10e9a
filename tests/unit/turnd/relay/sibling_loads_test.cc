// To a less busy server (ALTERNATE-SERVER, RFC 8489 section 10).
#include "turnd/relay/sibling_loads.h"

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/turn/scene.h"
#include "tests/support/turn/several_workers.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using core::Family;
using stun::Attribute;
using turnd::ServerLoad;
using turnd::SiblingLoadTable;
using When = turnd::AlternateServers::When;
using Loads = std::vector<ServerLoad>;

const core::SocketAddress kFirst = address_of("192.0.2.1:3478");
const core::SocketAddress kSecond = address_of("192.0.2.2:3478");
const core::SocketAddress kOther = address_of("[2001:db8::1]:3478");
const core::TimePoint kStart = Scene::start();

std::optional<core::SocketAddress> less_busy(SiblingLoadTable& table, std::uint64_t own,
                                             core::Duration later = {}) {
  return table.less_busy(own, Family::ipv4, kStart + later);
}

TEST_CASE("less busy: by more than a quarter and the margin, the least busy one of the family") {
  SiblingLoadTable table;
  CHECK(less_busy(table, 1'000'000) == std::nullopt);
  table.set(Loads{{kFirst, 120}, {kSecond, 100}, {kOther, 0}}, 500, kStart);
  CHECK(less_busy(table, 100 + 25 + SiblingLoadTable::kMargin) == std::nullopt);
  CHECK(less_busy(table, 100 + 25 + SiblingLoadTable::kMargin + 1) == kSecond);
  CHECK(table.less_busy(17, Family::ipv6, kStart) == kOther);
  table.forget();
  CHECK(less_busy(table, 500) == std::nullopt);
}

TEST_CASE("less busy: who was sent to a server counts there, until the loads after the next") {
  SiblingLoadTable table;
  const auto sent = [&table] {
    int count = 0;
    while (less_busy(table, 66)) ++count;
    return count;
  };
  table.set(Loads{{kFirst, 0}}, 66, kStart);
  CHECK(sent() == 40);                       // 66 is not above 40 * 5 / 4 + 16
  table.set(Loads{{kFirst, 0}}, 66, kStart); // as of before they arrived
  CHECK(sent() == 0);
  table.set(Loads{{kFirst, 40}}, 66, kStart);
  CHECK(sent() == 0);
  table.set(Loads{{kFirst, 20}}, 66,
            kStart); // half have ended, which is true when it was said twice
  CHECK(sent() == 0);
  table.set(Loads{{kFirst, 20}}, 66, kStart);
  CHECK(sent() == 20);
}

TEST_CASE("less busy: two servers that are take their share") {
  SiblingLoadTable table;
  table.set(Loads{{kFirst, 0}, {kSecond, 10}}, 100, kStart);
  int first = 0;
  int second = 0;
  for (int i = 0; i < 50; ++i) ++(less_busy(table, 100) == kFirst ? first : second);
  CHECK(first == 30);
  CHECK(second == 20);
}

TEST_CASE("less busy: a sudden crowd here, or an emptiness there, counts when it was there twice") {
  SiblingLoadTable table;
  table.set(Loads{{kFirst, 0}}, 0, kStart);
  CHECK(less_busy(table, 300) == std::nullopt);
  table.set(Loads{{kFirst, 0}}, 300, kStart);
  CHECK(less_busy(table, 300) == std::nullopt);
  table.set(Loads{{kFirst, 0}}, 300, kStart);
  CHECK(less_busy(table, 300) == kFirst);
  CHECK(less_busy(table, 10) == std::nullopt); // it is over
}

TEST_CASE("less busy: who has no load is sent nobody, and old loads are none") {
  SiblingLoadTable table;
  table.set(Loads{{kFirst, 0}, {kSecond, 5}}, 300, kStart);
  table.set(Loads{{kSecond, 5}}, 300, kStart);
  CHECK(less_busy(table, 300, SiblingLoadTable::kMaxAge) == kSecond);
  CHECK(less_busy(table, 300, SiblingLoadTable::kMaxAge + 1ns) == std::nullopt);
}

// ---- the server

Options busier() {
  Options options;
  options.alternate = {
      .servers = {kFirst, kSecond, kOther}, .domain = "turn.example.com", .when = When::busier};
  return options;
}

void fill(Scene& scene, int count, int first_port = 1) {
  for (int port = first_port; port < first_port + count; ++port) {
    Client client("alice", "wonder", ("192.0.2.8:" + std::to_string(port)).c_str());
    REQUIRE(scene.allocate(client).is_success());
  }
}

// MAPPED-ADDRESS's form: not XORed.
const Buffer kToSecond{0, 1, 0x0d, 0x96, 192, 0, 2, 2};

TEST_CASE(
    "rule 10: a busier server sends a new client to the least busy one, and says so in its count") {
  Scene scene(busier());
  fill(scene, 17);
  scene.own_sibling_loads.set(Loads{{kFirst, 5}, {kSecond, 0}}, 17, scene.now.steady);
  Client bob("bob", "builder");
  const auto result = scene.allocate(bob);
  CHECK(result.error() == 300);
  CHECK(result.answer->all(Attribute::alternate_server) == std::vector<Buffer>{kToSecond});
  CHECK_FALSE(result.answer->has(Attribute::alternate_domain));
  CHECK(stun::has_valid_integrity(result.answer->message(), bob.key().bytes()));
  CHECK(scene.server.counters().sent_to_less_busy == 1);
  CHECK(scene.server.allocation_count() == 17);
  CHECK(scene.quota.taken() == 17);
  CHECK(scene.allocate(bob).is_success()); // one is there now, by what is known: 17 is not above 17
  CHECK(scene.server.counters().sent_to_less_busy == 1);
}

TEST_CASE("rule 10: who has an allocation, no family there, or no credential is not sent away") {
  Scene scene(busier());
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  fill(scene, 20);
  scene.own_sibling_loads.set(Loads{{kFirst, 0}, {kSecond, 0}}, 21, scene.now.steady);
  CHECK(scene
            .feed(alice, alice.again(stun::Method::allocate, stun::Class::request, Client::udp(),
                                     Client::kSigned))
            .is_success());
  CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(600)).is_success());
  Client stranger("alice", "wonder", "192.0.2.9:1");
  CHECK(scene.feed(stranger, stranger.unsigned_request(stun::Method::allocate, Client::udp()))
            .error() == 401);
  Client six("bob", "builder", "[2001:db8::7]:1");
  CHECK(scene.allocate(six).is_success());
  CHECK(scene.server.counters().sent_to_less_busy == 0);
}

TEST_CASE(
    "rule 10: without loads, or with old ones, a busier server serves, and is full as any other") {
  Options options = busier();
  options.allocations = 41;
  Scene scene(options);
  fill(scene, 40);
  scene.own_sibling_loads.set(Loads{{kFirst, 0}}, 40, scene.now.steady);
  scene.pass(SiblingLoadTable::kMaxAge + 1s);
  Client bob("bob", "builder");
  CHECK(scene.allocate(bob).is_success());
  Client late("bob", "builder", "192.0.2.9:1");
  CHECK(scene.allocate(late).error() == 300);
  CHECK(scene.server.counters().sent_to_less_busy == 0);
  scene.server.begin_drain();
  CHECK(scene.allocate(late).error() == 300);
}

TEST_CASE("rule 10: loads mean nothing to a server that isn't to look at them") {
  for (const When when : {When::full, When::draining}) {
    Options options = busier();
    options.alternate.when = when;
    Scene scene(options);
    fill(scene, 20);
    scene.own_sibling_loads.set(Loads{{kFirst, 0}}, 20, scene.now.steady);
    Client bob("bob", "builder");
    CHECK(scene.allocate(bob).is_success());
  }
}

TEST_CASE("rule 10: workers count together, their own and whom they send away") {
  SiblingLoadTable table;
  Options options = busier();
  options.sibling_loads = &table;
  SeveralWorkers workers(2, options);
  fill(workers[0], 10);
  fill(workers[1], 10, 100);
  table.set(Loads{{kFirst, 0}}, 20, kStart);
  int sent = 0;
  for (int i = 0; i < 4; ++i) {
    Client client("bob", "builder", ("192.0.2.9:" + std::to_string(i + 1)).c_str());
    sent += workers[static_cast<std::size_t>(i) % 2].allocate(client).error() == 300 ? 1 : 0;
  }
  CHECK(sent == 4); // 20 > 3 * 5 / 4 + 16
  Client client("bob", "builder", "192.0.2.9:9");
  CHECK(workers[0].allocate(client).is_success());
}

// ---- two servers that hear of each other late

// A server, and what was told of it a while ago.
struct Location {
  explicit Location(const core::SocketAddress& sibling, core::Duration first_look)
      : other(sibling), next_look(first_look), scene(options()) {}

  Options options() const {
    Options options = busier();
    options.alternate.servers = {other};
    options.ports = {.first = 40000, .last = 59999};
    return options;
  }
  std::uint64_t allocations() { return scene.server.allocation_count(); }

  core::SocketAddress other;
  core::Duration next_look; // at the other's number, which is known here only later
  struct OnTheWay {
    core::Duration arrives;
    core::Duration as_of;
    std::uint64_t allocations;
  };
  std::deque<OnTheWay> on_the_way;
  Scene scene;
};

class TwoLocations {
 public:
  static constexpr core::Duration kStep = 100ms;
  static constexpr core::Duration kLookEvery = 5s;
  static constexpr core::Duration kLate = 1500ms; // asking, and the next look at the file
  static constexpr core::Duration kHop = 200ms;   // from a 300 to the Allocate elsewhere

  int in_circles = 0;
  int moved = 0;
  Location a{kSecond, 1s};
  Location b{kFirst, 3700ms};

  void pass(core::Duration time) {
    for (const core::Duration end = now_ + time; now_ < end; now_ += kStep) {
      a.scene.pass(kStep);
      b.scene.pass(kStep);
      hear(a, b);
      hear(b, a);
      for (auto& each : std::exchange(hopping_, {})) {
        if (each.arrives > now_) {
          hopping_.push_back(std::move(each));
        } else if (!comes_to(*each.to, each.client)) {
          ++in_circles;
        }
      }
    }
  }
  void come(Location& to, int count) {
    for (int i = 0; i < count; ++i) {
      const int number = ++clients_;
      const std::string address = "10." + std::to_string(number / 65536) + '.' +
                                  std::to_string(number / 256 % 256) + '.' +
                                  std::to_string(number % 256) + ":5000";
      Client client("alice", "wonder", address.c_str());
      if (comes_to(to, client)) continue;
      ++moved;
      hopping_.push_back(
          {now_ + kHop, &to == &a ? &b : &a, Client("alice", "wonder", address.c_str())});
    }
  }
  // The oldest of them.
  void leave(Location& from, int count) {
    auto& clients = &from == &a ? at_a_ : at_b_;
    for (; count > 0 && !clients.empty(); --count) {
      REQUIRE(from.scene.request(clients.front(), stun::Method::refresh, Client::lifetime(0))
                  .is_success());
      clients.pop_front();
    }
  }

 private:
  struct Hop {
    core::Duration arrives;
    Location* to;
    Client client;
  };

  bool comes_to(Location& to, Client& client) {
    const auto result = to.scene.allocate(client);
    if (result.error() == 300) return false;
    REQUIRE(result.is_success());
    (&to == &a ? at_a_ : at_b_).push_back(client);
    return true;
  }
  void hear(Location& here, Location& there) {
    if (now_ >= here.next_look) {
      here.next_look += kLookEvery;
      here.on_the_way.push_back({now_ + kLate, now_, there.allocations()});
    }
    while (!here.on_the_way.empty() && here.on_the_way.front().arrives <= now_) {
      const auto told = here.on_the_way.front();
      here.on_the_way.pop_front();
      here.scene.own_sibling_loads.set(Loads{{here.other, told.allocations}},
                                       here.scene.quota.taken(), kStart + told.as_of);
    }
  }

  core::Duration now_{};
  std::deque<Client> at_a_;
  std::deque<Client> at_b_;
  std::deque<Hop> hopping_;
  int clients_ = 0;
};

bool balanced(std::uint64_t one, std::uint64_t other) {
  return std::max(one, other) <= std::min(one, other) * 3 / 2 + 3 * SiblingLoadTable::kMargin;
}

TEST_CASE("rule 10: two servers with late news share what comes to one") {
  TwoLocations two;
  for (int second = 0; second < 60; ++second) {
    two.come(two.a, 10);
    two.pass(1s);
  }
  CHECK(balanced(two.a.allocations(), two.b.allocations()));
  CHECK(two.moved > 150);
  CHECK(two.in_circles == 0);
}

TEST_CASE("rule 10: two servers with late news that fill up together send nobody anywhere") {
  TwoLocations two;
  for (int second = 0; second < 40; ++second) {
    two.come(two.a, 8);
    two.come(two.b, 8);
    two.pass(1s);
  }
  CHECK(two.moved == 0);
  CHECK(two.a.allocations() == 320);
}

TEST_CASE("rule 10: two servers with late news, a crowd at both: nobody is sent in circles") {
  for (const core::Duration apart : {0ms, 300ms, 2000ms, 4000ms}) {
    TwoLocations two;
    two.pass(20s);
    for (int meeting = 0; meeting < 5; ++meeting) {
      two.come(two.a, 60);
      two.pass(apart);
      two.come(two.b, 60);
      two.pass(700ms);
      two.come(two.a, 20);
      two.come(two.b, 20);
      two.pass(12s);
      two.leave(two.a, 40);
      two.leave(two.b, 20);
    }
    CHECK(two.in_circles == 0);
  }
}

TEST_CASE("rule 10: two servers with late news, comings and goings: nobody is sent in circles") {
  SeededRandom random(7);
  const auto up_to = [&random](std::uint64_t most) {
    return static_cast<int>(random.next() % (most + 1));
  };
  TwoLocations two;
  for (int second = 0; second < 150; ++second) {
    two.come(two.a, up_to(9));
    two.come(two.b, up_to(3));
    if (up_to(9) == 0) two.come(up_to(1) == 0 ? two.a : two.b, up_to(50)); // a meeting begins
    if (second > 30) two.leave(two.a, up_to(7));
    if (second > 30) two.leave(two.b, up_to(7));
    if (up_to(19) == 0) two.leave(up_to(1) == 0 ? two.a : two.b, up_to(60)); // and one ends
    two.pass(1s);
  }
  CHECK(two.moved > 50);
  CHECK(two.in_circles == 0);
}

} // namespace
