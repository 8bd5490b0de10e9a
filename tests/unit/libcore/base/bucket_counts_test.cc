#include "libcore/base/bucket_counts.h"

#include <catch2/catch_test_macros.hpp>

#include <vector>

namespace {

constexpr std::array kBounds{1.0, 10.0};

TEST_CASE("a value at a bound belongs below it; what is above all has a bucket of its own") {
  core::BucketCounts<kBounds> histogram;
  for (const double value : {0.0, 1.0, 1.5, 10.0, 10.5, 99.0}) histogram.add(value);
  CHECK(std::vector<std::uint64_t>(histogram.counts().begin(), histogram.counts().end()) ==
        std::vector<std::uint64_t>{2, 2, 2});
  CHECK(histogram.total() == 6);
  CHECK(histogram.sum() == 122.0);
}

TEST_CASE("the histograms of several workers are one") {
  core::BucketCounts<kBounds> one;
  core::BucketCounts<kBounds> other;
  one.add(5);
  other.add(5);
  other.add(0.5);
  one += other;
  CHECK(one.counts()[0] == 1);
  CHECK(one.counts()[1] == 2);
  CHECK(one.sum() == 10.5);
}

} // namespace
