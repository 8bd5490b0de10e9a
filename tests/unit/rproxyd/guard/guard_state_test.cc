// What one process' guard knows, another one goes on with.
#include "rproxyd/guard/guard_state.h"

#include <catch2/catch_test_macros.hpp>

#include "rproxyd/guard/pin_guard.h"

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

using Kind = Admission::Kind;

constexpr core::Now kNow{.steady = core::TimePoint(1000s), .wall = core::WallTime(1'800'000'000s)};

core::Now later(core::Duration by) {
  return {.steady = kNow.steady + by,
          .wall = kNow.wall + std::chrono::duration_cast<std::chrono::seconds>(by)};
}

PinAttempt guess(std::string_view client, std::string room = "demo") {
  return {.client = *core::IpAddress::parse(client), .room = std::move(room), .carries_pin = true};
}

Kind attempt(PinGuard& guard, const PinAttempt& attempt, Outcome outcome, core::Now now = kNow) {
  const Admission admission = guard.admit(attempt, now);
  if (admission.ticket) guard.settle(*admission.ticket, outcome, now);
  return admission.kind;
}

} // namespace

TEST_CASE("failures count on in the process that takes over, and are forgotten at the same time") {
  PinGuard before({});
  for (int i = 0; i < 4; ++i) attempt(before, guess("203.0.113.1"), Outcome::wrong_pin);
  PinGuard after({});
  after.adopt(before.state(kNow), kNow);
  SECTION("one more is one too many") {
    CHECK(attempt(after, guess("203.0.113.1"), Outcome::wrong_pin) == Kind::pass);
    CHECK(attempt(after, guess("203.0.113.1"), Outcome::wrong_pin) == Kind::refuse);
    CHECK(after.find_ban(*core::IpAddress::parse("203.0.113.1"), kNow) != nullptr);
  }
  SECTION("not when find_time has gone by") {
    const core::Now then = later(300s);
    CHECK(attempt(after, guess("203.0.113.1"), Outcome::wrong_pin, then) == Kind::pass);
    CHECK(attempt(after, guess("203.0.113.1"), Outcome::none, then) == Kind::pass);
  }
}

TEST_CASE("bans, rooms under attack, sites and who has entered a room go along") {
  GuardRules rules;
  rules.max_failures = 2;
  PinGuard before(rules);
  for (int i = 0; i < 2; ++i) attempt(before, guess("203.0.113.1"), Outcome::wrong_pin);
  for (int i = 2; i < 10; ++i)
    attempt(before, guess("203.0.113." + std::to_string(i), "attacked"), Outcome::wrong_pin);
  attempt(before, guess("198.51.100.1", "attacked"), Outcome::admitted);
  for (int i = 10; i < 12; ++i)
    attempt(before, guess("203.0.113." + std::to_string(i), "attacked"), Outcome::wrong_pin);
  // Of the four /64s of a site each fails once, two of them twice would be too many.
  for (const char* part : {"1", "2", "3", "4"})
    attempt(before, guess("2001:db8:1:" + std::string(part) + "::1", "r" + std::string(part)),
            Outcome::wrong_pin);

  PinGuard after(rules);
  const auto changes = after.ban_changes();
  after.adopt(before.state(kNow), kNow);
  CHECK(after.ban_changes() != changes);
  CHECK(after.bans(kNow).size() == 1);
  CHECK(after.bans(kNow)[0].until == kNow.steady + rules.ban_time);
  CHECK(attempt(after, guess("203.0.113.1"), Outcome::none) == Kind::refuse);
  // A newcomer to the room is held back, who has been there is not.
  CHECK(attempt(after, guess("198.51.100.1", "attacked"), Outcome::admitted) == Kind::pass);
  CHECK(attempt(after, guess("198.51.100.2", "attacked"), Outcome::none) == Kind::pass);
  CHECK(after.admit(guess("198.51.100.3", "attacked"), kNow).kind == Kind::wait);

  const auto again = after.state(kNow);
  const auto first = before.state(kNow);
  CHECK(again.clients.size() == first.clients.size());
  CHECK(again.wide.size() == first.wide.size());
  REQUIRE(again.wide.size() == 2);
  CHECK(again.wide[0].parts == first.wide[0].parts);
  CHECK(again.rooms.size() == first.rooms.size());
  CHECK(again.entrants.size() == 1);
}

TEST_CASE("an attempt that another process let through counts when it has ended") {
  PinGuard guard({});
  for (int i = 0; i < 4; ++i) guard.count(guess("203.0.113.1"), Outcome::wrong_pin, kNow);
  guard.count(guess("203.0.113.1"), Outcome::none, kNow);
  CHECK(guard.bans(kNow).empty());
  guard.count(guess("203.0.113.1"), Outcome::wrong_pin, kNow);
  CHECK(guard.bans(kNow).size() == 1);
}

TEST_CASE("attempts in progress stay where they are: their tickets are of no use elsewhere") {
  PinGuard before({});
  const Admission admission = before.admit(guess("203.0.113.1"), kNow);
  REQUIRE(admission.ticket);
  const auto state = before.state(kNow);
  CHECK(state.clients.empty());
  before.settle(*admission.ticket, Outcome::wrong_pin, kNow);
  CHECK(before.state(kNow).clients.size() == 1);
}

TEST_CASE("a window has no more moments than it may, whatever it is given") {
  GuardState::Failures many;
  for (std::size_t i = 0; i < FailureWindow::kMaxMoments + 3; ++i)
    many.push_back({.when = core::TimePoint(std::chrono::seconds(i)), .failures = 1});
  CHECK(FailureWindow(many).moments().size() == FailureWindow::kMaxMoments);
  CHECK(FailureWindow(many).count() == FailureWindow::kMaxMoments);
}
