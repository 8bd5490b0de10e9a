// How long something took, over everything that was noted: counts by upper bound, as Prometheus has
// them. The bounds are the same for all, so that histograms of workers add up, and noting costs a few
// comparisons. Not thread-safe: each thread has its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "libcore/base/time.h"

namespace core {

class Histogram {
 public:
  // From what a LAN does to what a person no longer waits for.
  static constexpr std::array<Duration, 16> kBounds = {
      std::chrono::microseconds(500),  std::chrono::milliseconds(1),
      std::chrono::microseconds(2500), std::chrono::milliseconds(5),
      std::chrono::milliseconds(10),   std::chrono::milliseconds(25),
      std::chrono::milliseconds(50),   std::chrono::milliseconds(100),
      std::chrono::milliseconds(250),  std::chrono::milliseconds(500),
      std::chrono::seconds(1),         std::chrono::milliseconds(2500),
      std::chrono::seconds(5),         std::chrono::seconds(10),
      std::chrono::seconds(30),        std::chrono::seconds(60)};

  void note(Duration took); // a negative one counts as none
  Histogram& operator+=(const Histogram& other);

  // What came after `earlier`, which is a former copy of this.
  Histogram since(const Histogram& earlier) const;

  std::uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }
  // Those not above kBounds[i] and above the bound before; the last: above all bounds.
  const std::array<std::uint64_t, kBounds.size() + 1>& counts() const { return counts_; }

  // About what `part` (0 to 1) of all did not exceed: straight lines within a bucket, as PromQL's
  // histogram_quantile(). Above the last bound it says that bound; of nothing, zero.
  Duration quantile(double part) const;

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  std::uint64_t count_ = 0;
  Duration sum_{};
};

} // namespace core
