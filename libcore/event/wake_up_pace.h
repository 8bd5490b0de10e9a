// When a loop wakes up again. A wake-up costs about as much as relaying a packet; where packets come one by one and many of
// them, a loop that pauses for a moment takes several at once. Only where it is worth it: when what came lately shows that a
// period would bring kWorthwhile packets together. A quiet loop never pauses, nor does one that has left something unread, nor
// one whose packets come in bursts: then a pause often brings nothing, and what a burst brings comes together anyway.
//
// Times and counts in, out until when to pause: the loop does it.
#pragma once

#include <cstddef>
#include <optional>

#include "libcore/base/time.h"

namespace event {

class WakeUpPace {
 public:
  // From the beginning of one wake-up to that of the next: what comes waits for half of it on average, for all of it at most.
  static constexpr core::Duration kPeriod = std::chrono::microseconds(400);
  static constexpr std::size_t kWorthwhile = 3;
  // Over how much time is judged what comes.
  static constexpr core::Duration kLately = std::chrono::milliseconds(4);
  // A loop that wakes up later than this after a pause had to wait for something to come: the pause was in vain.
  static constexpr core::Duration kAtOnce = std::chrono::microseconds(30);
  // One of so many pauses may be in vain.
  static constexpr std::size_t kMostInVain = 5;
  // After too many of them there are none for so long.
  static constexpr core::Duration kBursts = std::chrono::milliseconds(100);

  // In a wake-up: so many packets were read; and more wait already.
  void count(std::size_t packets) { packets_ += packets; }
  void left_some() { left_some_ = true; }

  // At the end of the wake-up that began at `begin`: until when to pause. Call paused() afterwards.
  std::optional<core::TimePoint> pause(core::TimePoint begin);
  void paused(core::TimePoint over) { over_ = over; }

 private:
  void judge(core::TimePoint now);

  core::TimePoint since_{};
  core::TimePoint not_before_{};
  std::optional<core::TimePoint> over_; // when the pause before this wake-up was
  std::size_t packets_ = 0, pauses_ = 0, in_vain_ = 0;
  bool together_ = false;
  bool left_some_ = false;
};

} // namespace event
