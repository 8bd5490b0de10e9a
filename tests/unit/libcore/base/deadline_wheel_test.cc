#include "libcore/base/deadline_wheel.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <optional>
#include <random>
#include <vector>

#include "tests/unit/libcore/base/wheel_model.h"

namespace {

using core::Deadline;
using core::DeadlineWheel;
using core::TimePoint;
using namespace std::chrono_literals;

constexpr auto kTick = DeadlineWheel::kTick;
constexpr TimePoint kStart = TimePoint() + std::chrono::hours(1000) + 3ms;

std::vector<int> fired_at(DeadlineWheel& wheel, TimePoint now) {
  std::vector<int> fired;
  wheel.advance(now, [&](Deadline& d) { fired.push_back(d.kind()); });
  return fired;
}

using Fired = std::vector<int>;

TEST_CASE("a deadline fires at the first tick that is not before it") {
  DeadlineWheel wheel(kStart);
  Deadline d(nullptr, 1);
  wheel.set(d, kStart + 10 * kTick);
  CHECK(fired_at(wheel, kStart + 10 * kTick - 1ns).empty());
  CHECK(d.is_set());
  CHECK(fired_at(wheel, kStart + 10 * kTick) == Fired{1});
  CHECK_FALSE(d.is_set());

  wheel.set(d, kStart + 20 * kTick + 1ns);
  CHECK(fired_at(wheel, kStart + 21 * kTick - 1ns).empty());
  CHECK(fired_at(wheel, kStart + 21 * kTick) == Fired{1});
}

TEST_CASE("a deadline in the past fires at the next tick, not at once: nothing can spin") {
  DeadlineWheel wheel(kStart);
  Deadline d(nullptr, 1);
  CHECK(fired_at(wheel, kStart + 100 * kTick).empty());
  const auto when = GENERATE(kStart - 1h, kStart, kStart + 99 * kTick, kStart + 100 * kTick,
                             TimePoint::min(), TimePoint());
  wheel.set(d, when);
  CHECK(wheel.next() == kStart + 101 * kTick);
  CHECK(fired_at(wheel, kStart + 100 * kTick).empty());
  CHECK(fired_at(wheel, kStart + 101 * kTick) == Fired{1});
}

TEST_CASE("deadlines fire in the order of their ticks, from all levels, in one jump too") {
  DeadlineWheel wheel(kStart);
  std::vector<std::unique_ptr<Deadline>> all;
  Fired expected;
  std::int64_t ticks = 1;
  for (int i = 0; i < 25; ++i, ticks = ticks * 2 + 1) {
    all.push_back(std::make_unique<Deadline>(nullptr, i));
    expected.push_back(i);
  }
  for (int i = 24; i >= 0; --i) {
    wheel.set(*all[static_cast<std::size_t>(i)],
              kStart + kTick * ((std::int64_t{1} << (i + 1)) - 1));
  }
  CHECK(wheel.size() == 25);
  CHECK(fired_at(wheel, kStart + kTick * ticks) == expected);
  CHECK(wheel.size() == 0);
}

TEST_CASE("setting a deadline again moves it, both ways") {
  DeadlineWheel wheel(kStart);
  Deadline d(nullptr, 1);
  wheel.set(d, kStart + 10s);
  wheel.set(d, kStart + 20s);
  CHECK(wheel.size() == 1);
  CHECK(d.when() == kStart + 20s);
  CHECK(fired_at(wheel, kStart + 15s).empty());
  wheel.set(d, kStart + 16s);
  CHECK(fired_at(wheel, kStart + 17s) == Fired{1});
}

TEST_CASE("a cancelled deadline does not fire, and cancelling twice is fine") {
  DeadlineWheel wheel(kStart);
  Deadline d;
  wheel.cancel(d);
  wheel.set(d, kStart + 1s);
  wheel.cancel(d);
  wheel.cancel(d);
  CHECK(wheel.size() == 0);
  CHECK_FALSE(wheel.next().has_value());
  CHECK(fired_at(wheel, kStart + 2s).empty());
}

TEST_CASE("a deadline that goes leaves the wheel, and a wheel that goes unsets its deadlines") {
  std::optional<DeadlineWheel> wheel(std::in_place, kStart);
  Deadline outlives;
  {
    Deadline goes;
    wheel->set(goes, kStart + 1s);
    wheel->set(outlives, kStart + 1s);
  }
  CHECK(wheel->size() == 1);
  wheel.reset();
  CHECK_FALSE(outlives.is_set());
}

TEST_CASE("a callback may set, cancel and destroy the deadlines that are due with it, and itself") {
  DeadlineWheel wheel(kStart);
  std::vector<std::unique_ptr<Deadline>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(std::make_unique<Deadline>(nullptr, i));
    wheel.set(*all.back(), kStart + kTick * (i + 1));
  }
  Fired fired;
  wheel.advance(kStart + 10 * kTick, [&](Deadline& d) {
    fired.push_back(d.kind());
    if (d.kind() == 0) {
      wheel.cancel(*all[1]);
      all[2].reset();
      wheel.set(*all[3], kStart + 12 * kTick); // moved on
      wheel.set(*all[0], kStart);              // past: at the next tick
    }
    if (d.kind() == 4) all[4].reset(); // itself
  });
  CHECK(fired == Fired{0, 4, 5});
  CHECK(wheel.size() == 2);
  CHECK(fired_at(wheel, kStart + 11 * kTick) == Fired{0});
  CHECK(fired_at(wheel, kStart + 12 * kTick) == Fired{3});
}

TEST_CASE("time that stands still or goes back fires nothing, and nothing twice") {
  DeadlineWheel wheel(kStart);
  Deadline first(nullptr, 1);
  Deadline second(nullptr, 2);
  wheel.set(first, kStart + 10 * kTick);
  wheel.set(second, kStart + 20 * kTick);
  CHECK(fired_at(wheel, kStart + 15 * kTick) == Fired{1});
  CHECK(fired_at(wheel, kStart + 15 * kTick).empty());
  CHECK(fired_at(wheel, kStart + 5 * kTick).empty());
  CHECK(fired_at(wheel, kStart - 1h).empty());
  CHECK(fired_at(wheel, kStart + 20 * kTick) == Fired{2});
}

TEST_CASE("waking at next() again and again reaches every deadline, in few steps") {
  DeadlineWheel wheel(kStart);
  Deadline d(nullptr, 1);
  const auto distance =
      GENERATE(std::chrono::nanoseconds(1ns), 100ms, 600ms, 65s, 1h, 24h, 24h * 400);
  const TimePoint when = kStart + distance;
  wheel.set(d, when);
  TimePoint now = kStart;
  int steps = 0;
  while (d.is_set()) {
    const auto next = wheel.next();
    REQUIRE(next.has_value());
    REQUIRE(*next > now);
    now = *next;
    fired_at(wheel, now);
    REQUIRE(++steps <= 12); // at most two a level
  }
  CHECK(now >= when);
  CHECK(now - when < kTick);
}

TEST_CASE("deadlines beyond the wheel's reach, and at the end of time, are kept and don't fire") {
  DeadlineWheel wheel(kStart);
  Deadline far(nullptr, 1);
  Deadline never(nullptr, 2);
  const auto year = std::chrono::hours(24 * 365);
  wheel.set(far, kStart + 20 * year);
  wheel.set(never, TimePoint::max());
  TimePoint now = kStart;
  int steps = 0;
  while (far.is_set() && now < kStart + 21 * year) {
    const auto next = wheel.next();
    REQUIRE(next.has_value());
    REQUIRE(*next > now);
    REQUIRE(++steps <= 20);
    now = *next;
    for (const int kind : fired_at(wheel, now)) {
      CHECK(kind == 1);
      CHECK(now >= kStart + 20 * year);
      CHECK(now < kStart + 20 * year + kTick);
    }
  }
  CHECK_FALSE(far.is_set());
  CHECK(never.is_set());
}

// ---- against the model

TimePoint somewhere(std::mt19937_64& random, TimePoint now) {
  // A distance of any magnitude, often just around a level's wrap.
  const auto magnitude = random() % 8;
  auto ticks = static_cast<std::int64_t>(random() % (std::uint64_t{1} << (3 * (magnitude + 1))));
  if (random() % 4 == 0)
    ticks =
        (std::int64_t{1} << (6 * (magnitude % 5))) + static_cast<std::int64_t>(random() % 5) - 2;
  const auto within =
      core::Duration(random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 8'000'000));
  if (random() % 16 == 0) return now - kTick * ticks;
  return now + kTick * ticks + within;
}

TEST_CASE("any order of operations fires what a list would, in the same ticks") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  std::mt19937_64 random(seed);
  WheelModel model(kStart, 60);
  const auto any = [&] { return static_cast<std::size_t>(random() % model.count()); };
  const auto meddle = [&](std::size_t fired) {
    const auto which = random() % 2 == 0 ? fired : any();
    switch (random() % 6) {
      case 0:
        return model.set(which, somewhere(random, model.now()));
      case 1:
        return model.cancel(which);
      case 2:
        return model.replace(which);
      default:
        return;
    }
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto action = random() % 10;
    if (action < 5) model.set(any(), somewhere(random, model.now()));
    if (action == 5) model.cancel(any());
    if (action == 6) model.replace(any());
    if (action > 6) {
      TimePoint to = model.now() + core::Duration(static_cast<std::int64_t>(random() % 20'000'000));
      if (random() % 20 == 0) to = model.wheel().next().value_or(to);
      if (random() % 200 == 0)
        to = model.now() + kTick * static_cast<std::int64_t>(random() % 5'000'000);
      if (random() % 20 == 0) to = model.now() - 1s;
      model.advance(to, meddle);
    }
    INFO("seed " << seed << ", step " << step);
    REQUIRE(model.problem().empty());
  }
}

} // namespace
