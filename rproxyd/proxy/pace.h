// How long a client that is waited for may still take: a time of grace, which waiting uses up and every
// byte that moves gives back a little of, so that what moves `rate` bytes a second is never out of time,
// and L bytes take grace + L / rate at most. Time in which it is not the client that is waited for does
// not count.
#pragma once

#include <algorithm>
#include <cstdint>

#include "libcore/base/time.h"

namespace rproxyd {

class Pace {
 public:
  // `rate`: bytes a second; 0: none is asked for.
  Pace(std::uint64_t rate, core::Duration grace) : rate_(rate), grace_(grace), left_(grace) {}

  void wait(core::TimePoint now) { // from now on, or still
    if (!waiting_) since_ = now;
    waiting_ = true;
  }
  void rest(core::TimePoint now) {
    left_ = left(now);
    waiting_ = false;
  }
  void moved(std::uint64_t bytes, core::TimePoint now) {
    if (rate_ == 0) return;
    const std::uint64_t most = rate_ * kLongest; // seconds; more than any grace
    const auto gained = std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(
        static_cast<double>(std::min(bytes, most)) / static_cast<double>(rate_)));
    left_ = std::min(left(now) + gained, grace_);
    since_ = now;
  }
  // Zero or less: it is too slow.
  core::Duration left(core::TimePoint now) const {
    if (rate_ == 0) return core::Duration::max();
    return waiting_ ? left_ - (now - since_) : left_;
  }

 private:
  static constexpr std::uint64_t kLongest = std::uint64_t{24} * 3600;

  std::uint64_t rate_;
  core::Duration grace_;
  core::Duration left_; // as of `since_`
  core::TimePoint since_{};
  bool waiting_ = false;
};

} // namespace rproxyd
