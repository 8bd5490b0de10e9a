// How much the allocations of one user may relay together, at all workers: a bucket that holds one
// second, in one word that says when it will be full again.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

#include "libcore/base/time.h"

namespace turnd {

class SharedBandwidth {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  explicit SharedBandwidth(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  // From any thread. What was used up under the former rate is forgiven.
  void set_rate(std::uint64_t bytes_per_second) {
    if (rate_.exchange(bytes_per_second, std::memory_order_relaxed) == bytes_per_second) return;
    full_at_.store(std::numeric_limits<std::int64_t>::min(), std::memory_order_relaxed);
  }

  // For what can't be dropped: counts the bytes, and says for how long nothing more should be read.
  core::Duration charge(std::size_t bytes, core::TimePoint now) {
    const std::uint64_t rate = rate_.load(std::memory_order_relaxed);
    if (rate == kNoLimit) return {};
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t at =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    const auto cost = static_cast<std::int64_t>(bytes * kSecond / rate);
    std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = std::max(full_at, at) + cost;
    } while (!full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    return core::Duration(std::max<std::int64_t>(next - at - kSecond, 0));
  }

  bool is_half_full(core::TimePoint now) const {
    if (rate_.load(std::memory_order_relaxed) == kNoLimit) return true;
    constexpr std::int64_t kHalfASecond = 500'000'000;
    const std::int64_t at =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    return full_at_.load(std::memory_order_relaxed) <= at + kHalfASecond;
  }

  // From any thread, without a lock. `bytes`: of one datagram.
  bool admit(std::size_t bytes, core::TimePoint now) {
    const std::uint64_t rate = rate_.load(std::memory_order_relaxed);
    if (rate == kNoLimit) return true;
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t at =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    const auto cost = static_cast<std::int64_t>(bytes * kSecond / rate);
    std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = std::max(full_at, at) + cost;
      if (next - at > kSecond) return false;
    } while (!full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    return true;
  }

 private:
  std::atomic<std::uint64_t> rate_;
  std::atomic<std::int64_t> full_at_ = std::numeric_limits<std::int64_t>::min();
};

} // namespace turnd
