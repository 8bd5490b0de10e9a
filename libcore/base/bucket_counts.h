// How many values fell between bounds of one's own, and their sum. (libcore/base/histogram.h: for
// latencies, with the bounds that all of those have.)
//
//   inline constexpr std::array kAges{60.0, 600.0, 3600.0};     // ascending
//   core::BucketCounts<kAges> ages;
//   ages.add(75);                                               // between 60 and 600
//
// Plain numbers of one thread; a copy is a snapshot.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace core {

template <const auto& kBounds>
class BucketCounts {
 public:
  static constexpr std::size_t kBuckets = kBounds.size() + 1; // the last is above all bounds

  void add(double value) {
    const auto bound = std::ranges::lower_bound(kBounds, value); // a bound belongs to its bucket
    ++counts_[static_cast<std::size_t>(bound - kBounds.begin())];
    sum_ += value;
  }
  BucketCounts& operator+=(const BucketCounts& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
    return *this;
  }

  static std::span<const double> bounds() { return kBounds; }
  std::span<const std::uint64_t> counts() const { return counts_; } // of each bucket alone
  double sum() const { return sum_; }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts_) total += count;
    return total;
  }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  double sum_ = 0;
};

} // namespace core
