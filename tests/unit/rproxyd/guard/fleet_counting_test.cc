// PinGuard's part in counting together with siblings.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "rproxyd/guard/pin_guard.h"

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

using Kind = Admission::Kind;

core::Now at(core::Duration time) {
  return {.steady = core::TimePoint(1000s + time), .wall = core::WallTime(1'800'000'000s)};
}
PinAttempt guess(std::string_view client, std::string room = "demo") {
  return {.client = *core::IpAddress::parse(client), .room = std::move(room), .carries_pin = true};
}
// Wrong guesses that are let through, of so many.
int guesses(PinGuard& guard, std::string_view client, int count) {
  int through = 0;
  for (int i = 0; i < count; ++i) {
    const Admission admission = guard.admit(guess(client), at(0s));
    if (!admission.ticket) continue;
    ++through;
    guard.settle(*admission.ticket, Outcome::wrong_pin, at(0s));
  }
  return through;
}

} // namespace

TEST_CASE("alone, siblings together let no more through than one would") {
  for (const unsigned known : {0U, 1U, 3U, 4U, 5U}) {
    for (const unsigned siblings : {1U, 2U, 3U, 4U, 5U}) {
      int through = 0;
      for (unsigned rank = 0; rank < siblings; ++rank) {
        PinGuard guard{{}};
        for (unsigned i = 0; i < known; ++i)
          guard.learn(guess("203.0.113.7"), PinGuard::kAllTallies, false, at(0s).steady);
        guard.set_alone(PinGuard::Alone{.siblings = siblings, .rank = rank});
        through += guesses(guard, "203.0.113.7", 10);
      }
      INFO(known << " known, " << siblings << " siblings");
      CHECK(through == static_cast<int>(5 - known));
    }
  }
}

TEST_CASE("alone, what a sibling has let through a moment ago costs nobody's guard a guess") {
  // Each has let its part through, or less, and none has heard of the others.
  for (const unsigned through_before : {0U, 1U, 2U}) {
    int through = 0;
    for (unsigned rank = 0; rank < 3; ++rank) {
      PinGuard guard{{}};
      const unsigned mine = std::min(through_before, rank == 2 ? 1U : 2U);
      for (unsigned i = 0; i < mine; ++i)
        guard.learn(guess("203.0.113.7"), PinGuard::kAllTallies, true, at(0s).steady);
      guard.set_alone(PinGuard::Alone{.siblings = 3, .rank = rank});
      through += static_cast<int>(mine) + guesses(guard, "203.0.113.7", 10);
    }
    CHECK(through <= 5);
  }
}

TEST_CASE("a stranger to all has one attempt at each, however many they are") {
  PinGuard guard{{}};
  guard.set_alone(PinGuard::Alone{.siblings = 20, .rank = 19});
  CHECK(guesses(guard, "203.0.113.7", 10) == 1);
}

TEST_CASE("alone, a room's limit is divided as well") {
  int through = 0;
  for (unsigned rank = 0; rank < 3; ++rank) {
    GuardRules rules;
    rules.room.pace = 0s;
    PinGuard guard{rules};
    guard.set_alone(PinGuard::Alone{.siblings = 3, .rank = rank});
    for (int i = 1; i <= 100; ++i)
      through += guesses(guard, "10.0." + std::to_string(rank) + "." + std::to_string(i), 1);
  }
  CHECK(through == 18);
}

TEST_CASE("what is learnt counts as if it had been counted here, and bans nobody") {
  PinGuard guard{{}};
  for (int i = 0; i < 4; ++i)
    guard.learn(guess("203.0.113.7"), PinGuard::kAllTallies, false, at(0s).steady);
  CHECK(guard.take_events().empty());
  CHECK(guard.counters().failures == 0);
  CHECK(guesses(guard, "203.0.113.7", 3) == 1);
  CHECK(guard.find_ban(*core::IpAddress::parse("203.0.113.7"), at(0s)) != nullptr);

  PinGuard other{{}};
  for (int i = 0; i < 5; ++i)
    other.learn(guess("203.0.113.7"), PinGuard::kRoomTally, false, at(0s).steady);
  CHECK(guesses(other, "203.0.113.7", 7) == 5);
}

TEST_CASE("a wide network is known by its parts") {
  PinGuard guard{{}};
  for (int i = 0; i < 20; ++i) {
    guard.learn(guess("2001:db8:0:" + std::to_string(i % 4) + "::1", std::to_string(i)),
                PinGuard::kAllTallies, false, at(0s).steady);
  }
  CHECK(guard.admit(guess("2001:db8:0:9::1", "other"), at(0s)).kind == Kind::refuse);
}

TEST_CASE("tickets of before everything was learnt anew still count when they end") {
  PinGuard guard{{}};
  const Admission before = guard.admit(guess("203.0.113.7"), at(0s));
  guard.forget();
  guard.settle(*before.ticket, Outcome::wrong_pin, at(0s));
  CHECK(guesses(guard, "203.0.113.7", 10) == 4);
}

TEST_CASE("what happens elsewhere is not said nor counted here, but a ban is said") {
  PinGuard guard{{}};
  {
    const PinGuard::Elsewhere elsewhere(guard);
    for (int i = 0; i < 5; ++i) guard.count(guess("203.0.113.7"), Outcome::wrong_pin, at(0s));
  }
  CHECK(guard.counters().failures == 0);
  CHECK(guard.counters().bans == 0);
  const auto events = guard.take_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == GuardEvent::Kind::banned);
  CHECK(guard.take_begun().size() == 1);
}
