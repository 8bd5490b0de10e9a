// How many requests of a pool may be tried a second time. Retries help while one node fails; when all
// of them fail they only double the load. So each request earns a fraction of a retry, and a small
// number a second is there in any case (proxy rule 18).
#pragma once

#include <algorithm>
#include <cstdint>

#include "libcore/base/time.h"

namespace rproxyd {

class RetryBudget {
 public:
  static constexpr unsigned kLeastPerSecond = 10;
  static constexpr core::Duration kMemory = std::chrono::seconds(10); // earned earlier is forgotten

  // `percent` of the requests; 100 and above: every one.
  explicit RetryBudget(unsigned percent) : percent_(percent) {}

  void set_percent(unsigned percent) { percent_ = percent; }

  void request_begun() { level_ = std::min(level_ + percent_ * kRetry / 100, kMost); }

  // Takes one retry, if there is one.
  bool take(core::TimePoint now) {
    if (percent_ >= 100) return true;
    if (filled_ == core::TimePoint{}) filled_ = now;
    const auto elapsed = std::clamp<core::Duration>(now - filled_, core::Duration(0), kMemory);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed);
    level_ = std::min(
        level_ + static_cast<std::uint64_t>(ms.count()) * kLeastPerSecond * kRetry / 1000, kMost);
    filled_ += ms;
    if (elapsed == kMemory) filled_ = now;
    if (level_ < kRetry) return false;
    level_ -= kRetry;
    return true;
  }

 private:
  static constexpr std::uint64_t kRetry = 1000;
  // Ten seconds of the least, or a burst of as many that requests have earned.
  static constexpr std::uint64_t kMost =
      kLeastPerSecond * static_cast<std::uint64_t>(kMemory / std::chrono::seconds(1)) * kRetry;

  unsigned percent_;
  std::uint64_t level_ = kLeastPerSecond * kRetry;
  core::TimePoint filled_{};
};

} // namespace rproxyd
