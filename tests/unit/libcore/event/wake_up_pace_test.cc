#include "libcore/event/wake_up_pace.h"

#include <catch2/catch_test_macros.hpp>

using event::WakeUpPace;
using namespace std::chrono_literals;

namespace {

constexpr core::TimePoint kBegin{std::chrono::hours(1)};

// Wake-ups `apart` from each other with so many packets each, for a while; what the last one is told.
std::optional<core::TimePoint> after_wake_ups(WakeUpPace& pace, core::Duration apart,
                                              std::size_t packets, core::TimePoint& now) {
  std::optional<core::TimePoint> pause;
  for (const auto end = now + 4 * WakeUpPace::kLately; now < end; now += apart) {
    pace.count(packets);
    pause = pace.pause(now);
  }
  now -= apart;
  return pause;
}

} // namespace

TEST_CASE("a loop that many packets wake one by one pauses until a period after its wake-up") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  const auto until = after_wake_ups(pace, 25us, 1, now);
  CHECK(until == now + WakeUpPace::kPeriod);
}

TEST_CASE("it goes on pausing when the packets come together, since as many come") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  const auto until = after_wake_ups(pace, WakeUpPace::kPeriod, 16, now);
  CHECK(until == now + WakeUpPace::kPeriod);
}

TEST_CASE("a loop never pauses where a period would bring too few packets together") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  const core::Duration too_few = WakeUpPace::kPeriod / (WakeUpPace::kWorthwhile - 1);
  CHECK_FALSE(after_wake_ups(pace, too_few, 1, now));
}

TEST_CASE("a loop that has become quiet doesn't pause for the first packet that comes again") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  REQUIRE(after_wake_ups(pace, 25us, 1, now));
  now += 1s;
  pace.count(1);
  CHECK_FALSE(pace.pause(now));
}

TEST_CASE(
    "a loop doesn't pause while packets come in bursts, since what comes after a pause is late") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  std::size_t pauses = 0;
  // One wake-up a millisecond that brings 40 packets: a pause ends long before the next.
  for (int i = 0; i < 90; ++i, now += 1ms) {
    pace.count(40);
    const auto until = pace.pause(now);
    if (!until) continue;
    pace.paused(*until);
    ++pauses;
  }
  CHECK(pauses > 0);
  CHECK(pauses < 10);
}

TEST_CASE("a pause after which packets wait is not in vain") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  for (int i = 0; i < 1000; ++i) {
    pace.count(16);
    const auto until = pace.pause(now);
    if (until) pace.paused(*until);
    now = until ? *until + WakeUpPace::kAtOnce / 2 : now + 25us;
  }
  CHECK(pace.pause(now));
}

TEST_CASE(
    "a loop that has left packets unread goes on at once, and pauses again when it has read all") {
  WakeUpPace pace;
  core::TimePoint now = kBegin;
  REQUIRE(after_wake_ups(pace, 25us, 1, now));
  pace.left_some();
  CHECK_FALSE(pace.pause(now));
  CHECK(pace.pause(now));
}
