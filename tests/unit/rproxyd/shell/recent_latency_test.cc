#include "rproxyd/shell/recent_latency.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;

TEST_CASE("the latency of the last minute forgets what was before") {
  constexpr core::TimePoint kStart{100s};
  rproxyd::RecentLatency latency;
  core::Histogram all;
  all.note(2s);
  CHECK(latency.note(kStart, all).count() == 1); // the first look sees all
  all.note(3ms);
  CHECK(latency.note(kStart + 10s, all).count() == 1);
  for (int i = 2; i <= 12; ++i) {
    all.note(3ms);
    latency.note(kStart + i * 10s, all);
  }
  const core::Histogram recent = latency.note(kStart + 120s, all);
  CHECK(recent.count() == 6);
  CHECK(recent.quantile(1) == 5ms);
}

TEST_CASE("however often somebody looks, a minute is what is kept") {
  constexpr core::TimePoint kStart{100s};
  rproxyd::RecentLatency latency;
  core::Histogram all;
  for (int i = 0; i < 10'000; ++i) {
    all.note(1ms);
    latency.note(kStart + i * 100ms, all);
  }
  const auto count = latency.note(kStart + 1000s, all).count();
  CHECK(count >= 550);
  CHECK(count <= 650);
}
