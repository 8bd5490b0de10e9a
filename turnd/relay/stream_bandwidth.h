// How much a TCP allocation may relay (RFC 6062), all its connections and both directions together,
// and how much it has.
// Nothing of a stream can be dropped: whoever has relayed too much is told how long to wait. Its
// connections may be with several workers, so this is for any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "libcore/base/time.h"
#include "turnd/relay/bandwidth.h"
#include "turnd/relay/shared_bandwidth.h"

namespace turnd {

class StreamBandwidth {
 public:
  // `user`: what all allocations of its user may relay together.
  explicit StreamBandwidth(std::uint64_t bytes_per_second,
                           std::shared_ptr<SharedBandwidth> user = nullptr)
      : rate_(rate_of(bytes_per_second)), user_(std::move(user)) {}

  // What was used up under the former rate is forgiven.
  void set_rate(std::uint64_t bytes_per_second) {
    const std::uint64_t rate = rate_of(bytes_per_second);
    if (rate_.exchange(rate, std::memory_order_relaxed) == rate) return;
    paid_until_.store(0, std::memory_order_relaxed);
  }

  // Counts what has been read; for so long nothing more should be. Idle time is good for a burst of
  // one second's bytes.
  core::Duration take(std::size_t bytes, core::TimePoint now) {
    const core::Duration own = take_own(bytes, now);
    return user_ == nullptr ? own : std::max(own, user_->charge(bytes, now));
  }

  // What its tunnels have carried.
  void count(std::uint64_t to_peer, std::uint64_t to_client) {
    to_peers_.fetch_add(to_peer, std::memory_order_relaxed);
    to_client_.fetch_add(to_client, std::memory_order_relaxed);
  }
  std::uint64_t carried_to_peers() const { return to_peers_.load(std::memory_order_relaxed); }
  std::uint64_t carried_to_client() const { return to_client_.load(std::memory_order_relaxed); }

 private:
  static constexpr core::Duration kBurst = std::chrono::seconds(1);

  static std::uint64_t rate_of(std::uint64_t bytes_per_second) {
    if (bytes_per_second == Bandwidth::kNoLimit) return bytes_per_second;
    return std::clamp<std::uint64_t>(bytes_per_second, 1, Bandwidth::kMaxBytesPerSecond);
  }

  core::Duration take_own(std::size_t bytes, core::TimePoint now) {
    const std::uint64_t rate = rate_.load(std::memory_order_relaxed);
    if (rate == Bandwidth::kNoLimit) return {};
    const core::Duration cost(
        static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate)));
    const std::int64_t earliest = (now - kBurst).time_since_epoch().count();
    std::int64_t paid = paid_until_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = std::max(paid, earliest) + cost.count();
    } while (!paid_until_.compare_exchange_weak(paid, next, std::memory_order_relaxed));
    return std::max(core::Duration(next) - now.time_since_epoch(), core::Duration(0));
  }

  std::atomic<std::uint64_t> rate_;
  std::atomic<std::int64_t> paid_until_{0}; // nanoseconds of the steady clock
  std::shared_ptr<SharedBandwidth> user_;
  std::atomic<std::uint64_t> to_peers_{0};
  std::atomic<std::uint64_t> to_client_{0};
};

} // namespace turnd
