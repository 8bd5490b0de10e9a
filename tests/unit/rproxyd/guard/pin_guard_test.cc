#include "rproxyd/guard/pin_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <random>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

using Kind = Admission::Kind;
using Event = GuardEvent::Kind;

core::IpAddress ip(std::string_view text) { return *core::IpAddress::parse(text); }
core::NetworkList networks(std::string_view text) {
  return core::NetworkList({*core::Network::parse(text)});
}
PinAttempt guess(std::string_view client, std::string room = "demo") {
  return {.client = ip(client), .room = std::move(room), .carries_pin = true};
}
PinAttempt visit(std::string_view client, std::string room = "demo") {
  return {.client = ip(client), .room = std::move(room)};
}

GuardRules without_rooms(GuardRules rules = {}) {
  rules.room.enabled = false;
  return rules;
}

struct Scene {
  explicit Scene(GuardRules rules = without_rooms()) : guard(std::move(rules)) {}

  Admission ask(const PinAttempt& attempt) { return guard.admit(attempt, now); }
  // One attempt that is let through and ends so; else how it was kept from it.
  Kind attempt(const PinAttempt& attempt, Outcome outcome = Outcome::wrong_pin) {
    const Admission admission = ask(attempt);
    if (admission.ticket) guard.settle(*admission.ticket, outcome, now);
    return admission.kind;
  }
  void fail(const PinAttempt& attempt, int times) {
    for (int i = 0; i < times; ++i) REQUIRE(this->attempt(attempt) == Kind::pass);
  }
  bool banned(std::string_view client) { return guard.find_ban(ip(client), now) != nullptr; }
  void pass(core::Duration time) {
    now.steady += time;
    now.wall += std::chrono::duration_cast<std::chrono::seconds>(time);
  }
  std::vector<Event> events() {
    std::vector<Event> kinds;
    for (const GuardEvent& event : guard.take_events()) kinds.push_back(event.kind);
    return kinds;
  }

  PinGuard guard;
  core::Now now{.steady = core::TimePoint(1000s), .wall = core::WallTime(1'800'000'000s)};
};

} // namespace

TEST_CASE("the fifth wrong PIN bans, the fourth does not") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 4);
  CHECK_FALSE(scene.banned("203.0.113.7"));
  scene.fail(guess("203.0.113.7"), 1);
  CHECK(scene.banned("203.0.113.7"));
  CHECK_FALSE(scene.banned("203.0.113.8"));
  const Admission refused = scene.ask(guess("203.0.113.7"));
  CHECK(refused.kind == Kind::refuse);
  CHECK(refused.refusal == GuardRefusal::banned);
  CHECK(refused.delay == 300s);
  CHECK(scene.ask(visit("203.0.113.7")).kind == Kind::refuse);
  CHECK(scene.guard.counters().refused_banned == 2);
  CHECK(scene.events() == std::vector{Event::failed, Event::failed, Event::failed, Event::failed,
                                      Event::failed, Event::banned});
}

TEST_CASE("visits, right PINs and other denials do not count; nor does a right PIN forgive") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 4);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(scene.attempt(visit("203.0.113.7"), Outcome::denied) == Kind::pass);
    REQUIRE(scene.attempt(guess("203.0.113.7"), Outcome::denied) == Kind::pass);
    REQUIRE(scene.attempt(guess("203.0.113.7"), Outcome::none) == Kind::pass);
    REQUIRE(scene.attempt(guess("203.0.113.7"), Outcome::admitted) == Kind::pass);
  }
  scene.fail(guess("203.0.113.7"), 1);
  CHECK(scene.banned("203.0.113.7"));
}

TEST_CASE("a failure is forgotten after find_time") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 1);
  scene.pass(100s);
  scene.fail(guess("203.0.113.7"), 3);
  scene.pass(200s); // the first is gone
  scene.fail(guess("203.0.113.7"), 1);
  CHECK_FALSE(scene.banned("203.0.113.7"));
  scene.fail(guess("203.0.113.7"), 1);
  CHECK(scene.banned("203.0.113.7"));
}

TEST_CASE("a ban ends after ban_time, and counting begins anew") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 5);
  scene.pass(300s - 1ns);
  CHECK(scene.banned("203.0.113.7"));
  scene.pass(1ns);
  CHECK_FALSE(scene.banned("203.0.113.7"));
  scene.fail(guess("203.0.113.7"), 4);
  CHECK_FALSE(scene.banned("203.0.113.7"));
}

TEST_CASE("with denied_tokens every denial counts, PIN or not, as fail2ban counted") {
  GuardRules rules = without_rooms();
  rules.count = GuardRules::Count::denied_tokens;
  rules.max_failures = 10;
  Scene scene(rules);
  for (int i = 0; i < 5; ++i) { // a wrong PIN on each of five visits
    CHECK_FALSE(scene.banned("203.0.113.7"));
    REQUIRE(scene.attempt(visit("203.0.113.7"), Outcome::denied) == Kind::pass);
    REQUIRE(scene.attempt(guess("203.0.113.7"), Outcome::wrong_pin) == Kind::pass);
  }
  CHECK(scene.banned("203.0.113.7"));
}

TEST_CASE("five wrong PINs reach the node, of any interleaving and parallelism") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO(seed);
    std::mt19937 random(seed);
    Scene scene;
    std::deque<Ticket> in_progress;
    int reached = 0;
    for (int i = 0; i < 200; ++i) {
      if (random() % 3 != 0) {
        Admission admission = scene.ask(guess("203.0.113.7"));
        if (admission.ticket) {
          ++reached;
          in_progress.push_back(*std::move(admission.ticket));
        }
      } else if (!in_progress.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(random() % in_progress.size());
        scene.guard.settle(in_progress[static_cast<std::size_t>(which)], Outcome::wrong_pin,
                           scene.now);
        in_progress.erase(in_progress.begin() + which);
      }
      REQUIRE(reached <= 5);
    }
    for (const Ticket& ticket : in_progress)
      scene.guard.settle(ticket, Outcome::wrong_pin, scene.now);
    CHECK(reached == 5);
    CHECK(scene.banned("203.0.113.7"));
  }
}

TEST_CASE(
    "an attempt waits while all that may fail are in progress, and takes the place of a right "
    "one") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 3);
  const Admission first = scene.ask(guess("203.0.113.7"));
  const Admission second = scene.ask(guess("203.0.113.7"));
  REQUIRE(second.ticket);
  const Admission third = scene.ask(guess("203.0.113.7"));
  CHECK(third.kind == Kind::wait);
  CHECK(third.delay == PinGuard::kAskAgain);
  CHECK(scene.ask(visit("203.0.113.7")).kind == Kind::pass); // can't fail
  scene.guard.settle(*first.ticket, Outcome::admitted, scene.now);
  CHECK(scene.ask(guess("203.0.113.7")).kind == Kind::pass);
}

TEST_CASE("repeated bans grow up to the longest, and are forgotten in time") {
  GuardRules rules = without_rooms();
  rules.growth = 4;
  rules.max_ban_time = 1h;
  rules.remember = 24h;
  Scene scene(rules);
  for (const core::Duration length : {300s, 1200s, 3600s, 3600s}) {
    scene.fail(guess("203.0.113.7"), 5);
    CHECK(scene.guard.find_ban(ip("203.0.113.7"), scene.now)->until == scene.now.steady + length);
    scene.pass(length);
  }
  scene.pass(24h);
  scene.fail(guess("203.0.113.7"), 5);
  CHECK(scene.guard.find_ban(ip("203.0.113.7"), scene.now)->until == scene.now.steady + 300s);
}

TEST_CASE("ignored networks are never banned nor held back, not even by hand") {
  GuardRules rules;
  rules.ignore = networks("10.0.0.0/8");
  Scene scene(rules);
  scene.fail(guess("10.1.2.3"), 100);
  scene.fail(guess("::ffff:10.1.2.3"), 1);
  CHECK_FALSE(scene.banned("10.1.2.3"));
  REQUIRE(scene.guard.ban(*parse_client_network("10.1.2.3"), 1h, scene.now));
  CHECK_FALSE(scene.banned("10.1.2.3"));
  CHECK(scene.ask(guess("10.1.2.3")).kind == Kind::pass);
}

TEST_CASE("an IPv6 client is its /64") {
  Scene scene;
  for (int i = 0; i < 5; ++i) scene.fail(guess(fmt::format("2001:db8:1:1::{:x}", i + 1)), 1);
  CHECK(scene.banned("2001:db8:1:1::99"));
  CHECK_FALSE(scene.banned("2001:db8:1:2::1"));
}

TEST_CASE("when many /64s of a site fail, the site is banned") {
  Scene scene;
  // One guess from each of 19 /64s, then the 20th: four times max_failures.
  for (int i = 0; i < 19; ++i) scene.fail(guess(fmt::format("2001:db8:1:{:x}::1", i)), 1);
  CHECK_FALSE(scene.banned("2001:db8:1:ff::1"));
  scene.fail(guess("2001:db8:1:20::1"), 1);
  CHECK(scene.banned("2001:db8:1:ff::1"));
  CHECK_FALSE(scene.banned("2001:db8:1:100::1"));
  CHECK(scene.guard.bans(scene.now)[0].network.to_string() == "2001:db8:1::/56");
}

TEST_CASE("when many /64s of an organisation fail, spread over its sites, it is banned") {
  Scene scene;
  for (int i = 0; i < 80; ++i) {
    CHECK_FALSE(scene.banned("2001:db8:1:ffff::1"));
    scene.fail(guess(fmt::format("2001:db8:1:{:x}::1", i * 256)), 1);
  }
  CHECK(scene.banned("2001:db8:1:ffff::1"));
  CHECK_FALSE(scene.banned("2001:db8:2::1"));
}

TEST_CASE("one or a few /64s that fail again and again do not ban the site") {
  GuardRules rules = without_rooms();
  rules.ban_time = 1s;
  Scene scene(rules);
  for (int i = 0; i < 10; ++i) {
    for (const char* client : {"2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1"})
      scene.fail(guess(client), 5);
    scene.pass(1s);
  }
  CHECK_FALSE(scene.banned("2001:db8:1:ff::1"));
  scene.fail(guess("2001:db8:1:4::1"), 1); // the fourth
  CHECK(scene.banned("2001:db8:1:ff::1"));
}

TEST_CASE("parallel guesses from many /64s can't overshoot either") {
  GuardRules rules = without_rooms();
  Scene scene(rules);
  for (int i = 0; i < 15; ++i) scene.fail(guess(fmt::format("2001:db8:1:{:x}::1", i)), 1);
  int passed = 0;
  for (int i = 15; i < 60; ++i)
    passed += scene.ask(guess(fmt::format("2001:db8:1:{:x}::1", i))).kind == Kind::pass ? 1 : 0;
  CHECK(passed == 5);
}

TEST_CASE("widening can be switched off") {
  GuardRules rules = without_rooms();
  rules.widen = false;
  Scene scene(rules);
  for (int i = 0; i < 255; ++i) scene.fail(guess(fmt::format("2001:db8:1:{:x}::1", i)), 1);
  CHECK_FALSE(scene.banned("2001:db8:1:ff::1"));
}

TEST_CASE("behind a shared address each room has its own count, and the address a larger one") {
  GuardRules rules = without_rooms();
  rules.shared = networks("203.0.113.0/24");
  rules.shared_max_failures = 12;
  Scene scene(rules);
  scene.fail(guess("203.0.113.7", "a"), 5);
  const Admission full = scene.ask(guess("203.0.113.7", "a"));
  CHECK(full.kind == Kind::refuse);
  CHECK(full.refusal == GuardRefusal::exhausted);
  CHECK(scene.guard.counters().refused_exhausted == 1);
  CHECK(full.delay == 300s);
  CHECK_FALSE(scene.banned("203.0.113.7"));
  scene.fail(guess("203.0.113.7", "b"), 4);
  scene.fail(guess("203.0.113.7", "c"), 3);
  const Ban* ban = scene.guard.find_ban(ip("203.0.113.7"), scene.now);
  REQUIRE(ban);
  CHECK(ban->tokens_only);
  const auto events = scene.events();
  CHECK(std::ranges::count(events, Event::pair_full) == 1);
}

TEST_CASE("in parallel, too, a shared address has five guesses at a room") {
  GuardRules rules = without_rooms();
  rules.shared = networks("any");
  Scene scene(rules);
  for (int i = 0; i < 5; ++i) CHECK(scene.ask(guess("203.0.113.7", "a")).kind == Kind::pass);
  CHECK(scene.ask(guess("203.0.113.7", "a")).kind == Kind::wait);
  CHECK(scene.ask(guess("203.0.113.7", "b")).kind == Kind::pass);
}

// ---- rooms

TEST_CASE(
    "a room under attack slows newcomers down, then refuses them, below the platform's lock") {
  Scene scene(GuardRules{});
  int client = 0;
  const auto newcomer = [&] { return guess(fmt::format("198.51.100.{}", ++client)); };
  for (int i = 0; i < 10; ++i) REQUIRE(scene.attempt(newcomer()) == Kind::pass);
  // From now on one every 20 s.
  REQUIRE(scene.attempt(newcomer()) == Kind::pass);
  const Admission slow = scene.ask(newcomer());
  CHECK(slow.kind == Kind::wait);
  CHECK(slow.refusal == GuardRefusal::room);
  CHECK(slow.delay == 20s);
  for (int i = 11; i < 18; ++i) {
    scene.pass(20s);
    REQUIRE(scene.attempt(newcomer()) == Kind::pass);
  }
  scene.pass(20s);
  const Admission refused = scene.ask(newcomer());
  CHECK(refused.kind == Kind::refuse);
  CHECK(refused.refusal == GuardRefusal::room);
  CHECK(scene.guard.counters().refused_room == 1);
  CHECK(refused.delay == 600s - 8 * 20s);
  CHECK(scene.ask(guess("198.51.100.200", "other")).kind == Kind::pass);
  const auto events = scene.events();
  CHECK(std::ranges::count(events, Event::room_slow) == 1);
  scene.pass(refused.delay);
  CHECK(scene.ask(newcomer()).kind == Kind::pass); // the first ten are forgotten
}

TEST_CASE("who has entered a room before is not held back, a visit without a PIN neither") {
  Scene scene(GuardRules{});
  REQUIRE(scene.attempt(guess("203.0.113.7"), Outcome::admitted) == Kind::pass);
  for (int i = 0; i < 10; ++i)
    REQUIRE(scene.attempt(guess(fmt::format("198.51.100.{}", i))) == Kind::pass);
  REQUIRE(scene.attempt(guess("198.51.100.100")) == Kind::pass);
  REQUIRE(scene.ask(guess("198.51.100.101")).kind == Kind::wait);
  CHECK(scene.ask(guess("203.0.113.7")).kind == Kind::pass);
  CHECK(scene.ask(visit("198.51.100.101")).kind == Kind::pass);
  scene.pass(12h - 1ns);
  CHECK(scene.ask(guess("203.0.113.7")).kind == Kind::pass);
}

TEST_CASE("entering one room is no merit at another, nor is entering one's own as if through it") {
  Scene scene(GuardRules{});
  PinAttempt own = guess("203.0.113.7", "mine");
  own.extension = "demo";
  REQUIRE(scene.attempt(own, Outcome::admitted) == Kind::pass);
  REQUIRE(scene.attempt(guess("203.0.113.7", "mine"), Outcome::admitted) == Kind::pass);
  for (int i = 0; i < 11; ++i)
    REQUIRE(scene.attempt(guess(fmt::format("198.51.100.{}", i))) == Kind::pass);
  CHECK(scene.ask(guess("203.0.113.7")).kind == Kind::wait);
}

TEST_CASE("guesses through a reception count for the room behind it, and for the reception") {
  Scene scene(GuardRules{});
  for (int i = 0; i < 11; ++i) {
    PinAttempt attempt = guess(fmt::format("198.51.100.{}", i), "reception");
    attempt.extension = "demo";
    REQUIRE(scene.attempt(attempt) == Kind::pass);
  }
  CHECK(scene.ask(guess("203.0.113.7", "demo")).kind == Kind::wait);
  CHECK(scene.ask(guess("203.0.113.7", "reception")).kind == Kind::wait);
}

TEST_CASE("many right PINs at once do not make a room look attacked") {
  Scene scene(GuardRules{});
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i) {
    Admission admission = scene.ask(guess(fmt::format("198.51.100.{}", i)));
    REQUIRE(admission.ticket);
    tickets.push_back(*std::move(admission.ticket));
  }
  const Admission eleventh = scene.ask(guess("198.51.100.99"));
  CHECK(eleventh.kind == Kind::wait); // for the ends of those, not for a pace
  CHECK(eleventh.delay == PinGuard::kAskAgain);
  for (const Ticket& ticket : tickets) scene.guard.settle(ticket, Outcome::admitted, scene.now);
  CHECK(scene.ask(guess("198.51.100.99")).kind == Kind::pass);
  CHECK(scene.guard.rooms_counted() == 1);
}

// ---- dry run, by hand, limits

TEST_CASE("a dry run counts and bans in the books, and lets everybody through") {
  GuardRules rules;
  rules.dry_run = true;
  Scene scene(rules);
  scene.fail(guess("203.0.113.7"), 100);
  CHECK(scene.guard.counters().bans == 1);
  CHECK(scene.guard.counters().would_refuse == 95);
  CHECK(scene.guard.bans(scene.now).size() == 1);
}

TEST_CASE("bans are added, listed and lifted by hand") {
  Scene scene;
  CHECK(scene.guard.ban(*parse_client_network("203.0.113.7"), 10min, scene.now));
  CHECK(scene.guard.ban(*parse_client_network("2001:db8::1"), std::nullopt, scene.now));
  const auto bans = scene.guard.bans(scene.now);
  REQUIRE(bans.size() == 2);
  CHECK(bans[0].by_hand);
  CHECK(bans[0].until == scene.now.steady + 10min);
  CHECK(bans[1].until == scene.now.steady + 300s);
  CHECK(scene.guard.lift(*parse_client_network("203.0.113.7"), scene.now));
  CHECK_FALSE(scene.guard.lift(*parse_client_network("203.0.113.7"), scene.now));
  CHECK_FALSE(scene.banned("203.0.113.7"));
  CHECK(scene.guard.lift_all(scene.now) == 1);
  CHECK_FALSE(scene.banned("2001:db8::1"));
  CHECK(scene.events() == std::vector{Event::added, Event::added, Event::lifted, Event::lifted});
}

TEST_CASE("every change to the bans is told, and when the next one ends") {
  Scene scene;
  CHECK_FALSE(scene.guard.has_bans());
  CHECK_FALSE(scene.guard.next_ban_end());
  scene.fail(guess("203.0.113.7"), 4);
  CHECK(scene.guard.ban_changes() == 0);
  scene.fail(guess("203.0.113.7"), 1);
  CHECK(scene.guard.ban_changes() == 1);
  CHECK(scene.guard.has_bans());
  REQUIRE(scene.guard.ban(*parse_client_network("203.0.113.8"), 10s, scene.now));
  CHECK(scene.guard.ban_changes() == 2);
  CHECK(scene.guard.next_ban_end() == scene.now.steady + 10s);
  scene.pass(10s);
  CHECK_FALSE(scene.banned("203.0.113.8"));
  CHECK(scene.guard.ban_changes() == 3);
  CHECK(scene.guard.next_ban_end() == scene.now.steady + 290s);
  REQUIRE(scene.guard.lift(*parse_client_network("203.0.113.7"), scene.now));
  CHECK(scene.guard.ban_changes() == 4);
  CHECK_FALSE(scene.guard.has_bans());
}

TEST_CASE("who is unbanned by hand begins anew") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 5);
  CHECK(scene.guard.lift(*parse_client_network("203.0.113.7"), scene.now));
  scene.fail(guess("203.0.113.7"), 4);
  CHECK_FALSE(scene.banned("203.0.113.7"));
}

TEST_CASE("kept bans come back, those that have ended only for growth") {
  GuardRules rules = without_rooms();
  rules.growth = 2;
  Scene scene(rules);
  scene.guard.restore(
      {{.network = *parse_client_network("203.0.113.7"), .until = scene.now.steady + 10s},
       {.network = *parse_client_network("203.0.113.8"), .until = scene.now.steady - 10s}},
      scene.now);
  CHECK(scene.banned("203.0.113.7"));
  CHECK_FALSE(scene.banned("203.0.113.8"));
  scene.fail(guess("203.0.113.8"), 5);
  CHECK(scene.guard.find_ban(ip("203.0.113.8"), scene.now)->until == scene.now.steady + 600s);
  CHECK(scene.guard.bans_to_keep(scene.now).size() == 2);
}

TEST_CASE("when the table of clients is full, strangers have no free guesses and are not banned") {
  Scene scene;
  const auto client = [](std::size_t i) {
    return fmt::format("{}.{}.{}.{}", 11 + (i >> 24), i >> 16 & 255, i >> 8 & 255, i & 255);
  };
  for (std::size_t i = 0; i < PinGuard::kMaxClients; ++i) scene.fail(guess(client(i)), 1);
  std::size_t passed = 0;
  for (std::size_t i = 0; i < 20'000; ++i) {
    passed += scene.attempt(guess(client(PinGuard::kMaxClients + i))) == Kind::pass ? 1U : 0U;
    if (i % 1000 == 0) scene.guard.take_events();
  }
  // Together they have what so many known clients would have.
  CHECK(passed <= 256 * 5);
  CHECK(scene.guard.bans(scene.now).empty());
  CHECK(scene.guard.clients_counted() == PinGuard::kMaxClients);
  scene.fail(guess(client(0)), 4); // what was known still is
  CHECK(scene.banned(client(0)));
  scene.pass(300s);
  CHECK(scene.ask(guess("9.9.9.9")).kind == Kind::pass);
}

TEST_CASE("new rules find what was counted under the old ones, and what is in progress") {
  Scene scene;
  scene.fail(guess("203.0.113.7"), 3);
  const Admission in_progress = scene.ask(guess("203.0.113.7"));
  GuardRules rules; // with rooms
  rules.max_failures = 4;
  scene.guard.set_rules(rules);
  CHECK(scene.ask(guess("203.0.113.7")).kind == Kind::wait);
  scene.guard.settle(*in_progress.ticket, Outcome::wrong_pin, scene.now);
  CHECK(scene.banned("203.0.113.7"));
  rules.ignore = networks("203.0.113.0/24");
  scene.guard.set_rules(rules);
  CHECK(scene.ask(guess("203.0.113.7")).kind == Kind::pass);
}

TEST_CASE("events that nobody takes are counted, and no more than so many kept") {
  GuardRules rules = without_rooms();
  rules.max_failures = 10'000;
  Scene scene(rules);
  scene.fail(guess("203.0.113.1"), 9'000);
  scene.fail(guess("203.0.113.2"), 2'000);
  CHECK(scene.guard.take_events().size() == PinGuard::kMaxEvents);
  CHECK(scene.guard.counters().events_lost == 1'000);
}
