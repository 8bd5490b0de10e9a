#include "libcore/base/histogram.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

using core::Histogram;
using namespace std::chrono_literals;

TEST_CASE("a histogram counts each duration in the first bucket whose bound it does not exceed") {
  Histogram histogram;
  histogram.note(0ns);
  histogram.note(500us); // the first bound itself
  histogram.note(500us + 1ns);
  histogram.note(60s);
  histogram.note(60s + 1ns); // above all bounds
  histogram.note(-5s);       // a clock that went wrong
  CHECK(histogram.counts().front() == 3);
  CHECK(histogram.counts()[1] == 1);
  CHECK(histogram.counts()[Histogram::kBounds.size() - 1] == 1);
  CHECK(histogram.counts().back() == 1);
  CHECK(histogram.count() == 6);
  CHECK(histogram.sum() == 120s + 1ms + 2ns);
}

TEST_CASE("histograms of workers add up") {
  Histogram one;
  Histogram other;
  one.note(1ms);
  other.note(1ms);
  other.note(2s);
  one += other;
  CHECK(one.count() == 3);
  CHECK(one.counts()[1] == 2);
  CHECK(one.sum() == 2002ms);
}

TEST_CASE("what came after a copy is a histogram of its own") {
  Histogram histogram;
  histogram.note(7ms);
  const Histogram earlier = histogram;
  histogram.note(70ms);
  CHECK(histogram.since(earlier).count() == 1);
  CHECK(histogram.since(earlier).sum() == 70ms);
  CHECK(histogram.since(earlier).quantile(1) == 100ms);
}

TEST_CASE("a quantile lies within its bucket, as histogram_quantile() has it") {
  Histogram histogram;
  CHECK(histogram.quantile(0.5) == 0ns);
  for (int i = 0; i < 90; ++i) histogram.note(7ms);  // 5 ms to 10 ms
  for (int i = 0; i < 10; ++i) histogram.note(70ms); // 50 ms to 100 ms
  CHECK(std::abs((histogram.quantile(0.45) - 7500us).count()) < 10);
  CHECK(std::abs((histogram.quantile(0.95) - 75ms).count()) < 10);
  CHECK(histogram.quantile(1) == 100ms);
  CHECK(histogram.quantile(7) == 100ms);
}

TEST_CASE("a quantile above all bounds is the last bound, the most that is known") {
  Histogram histogram;
  histogram.note(1h);
  CHECK(histogram.quantile(0.5) == 60s);
}
