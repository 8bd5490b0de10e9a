// How much an allocation may relay, both directions together: a token bucket that holds one second.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "libcore/base/time.h"

namespace turnd {

class Bandwidth {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
  // So that the sums below can't wrap: 1 TB/s.
  static constexpr std::uint64_t kMaxBytesPerSecond = 1'000'000'000'000;

  Bandwidth() = default;
  Bandwidth(std::uint64_t bytes_per_second, core::TimePoint now)
      : rate_(rate_of(bytes_per_second)), left_(rate_), filled_(now) {}

  // What is left stays left, as far as the new bucket holds it.
  void set_rate(std::uint64_t bytes_per_second, core::TimePoint now) {
    const std::uint64_t former = std::exchange(rate_, rate_of(bytes_per_second));
    if (former == kNoLimit) {
      left_ = rate_;
      owed_ = 0;
      filled_ = now;
    }
    left_ = std::min(left_, rate_);
  }

  bool admit(std::size_t bytes, core::TimePoint now) {
    if (rate_ == kNoLimit) return true;
    fill(now);
    if (left_ < bytes) return false;
    left_ -= bytes;
    return true;
  }

  // For what has been relayed already: false if it was more than there was, and the rest is owed.
  bool charge(std::uint64_t bytes, core::TimePoint now) {
    if (rate_ == kNoLimit) return true;
    fill(now);
    const std::uint64_t paid = std::min(left_, bytes);
    left_ -= paid;
    owed_ += bytes - paid;
    return owed_ == 0;
  }
  bool is_half_full(core::TimePoint now) {
    if (rate_ == kNoLimit) return true;
    fill(now);
    return left_ >= rate_ / 2;
  }

  std::uint64_t left() const { return left_; }
  // It begins with no more than this.
  void begin_with(std::uint64_t left) { left_ = std::min(left_, left); }

 private:
  static std::uint64_t rate_of(std::uint64_t bytes_per_second) {
    return bytes_per_second == kNoLimit ? kNoLimit : std::min(bytes_per_second, kMaxBytesPerSecond);
  }

  void fill(core::TimePoint now) {
    const auto elapsed =
        std::clamp<core::Duration>(now - filled_, core::Duration(0), std::chrono::seconds(1));
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(elapsed);
    const std::uint64_t more = rate_ * static_cast<std::uint64_t>(microseconds.count()) / 1'000'000;
    const std::uint64_t paid_back = std::min(owed_, more);
    owed_ -= paid_back;
    left_ = std::min(rate_, left_ + more - paid_back);
    filled_ = elapsed == std::chrono::seconds(1) ? now : filled_ + microseconds;
  }

  std::uint64_t rate_ = kNoLimit;
  std::uint64_t left_ = 0;
  std::uint64_t owed_ = 0;
  core::TimePoint filled_{};
};

} // namespace turnd
