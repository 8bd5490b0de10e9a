#include "rproxyd/proxy/pace.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using rproxyd::Pace;

namespace {

constexpr core::TimePoint kBegin{1000s};

} // namespace

TEST_CASE("rule 17: a client that moves the rate is never out of time, a slower one is") {
  Pace steady(100, 30s);
  Pace slow(100, 30s);
  steady.wait(kBegin);
  slow.wait(kBegin);
  for (int second = 1; second <= 3600; ++second) {
    steady.moved(100, kBegin + std::chrono::seconds(second));
    if (second <= 40) slow.moved(50, kBegin + std::chrono::seconds(second));
  }
  CHECK(steady.left(kBegin + 3600s) == 30s);
  CHECK(slow.left(kBegin + 40s) == 10s);
  CHECK(slow.left(kBegin + 50s) == 0s);
}

TEST_CASE("what moves at once is no credit beyond the time of grace") {
  Pace pace(100, 30s);
  pace.wait(kBegin);
  pace.moved(std::uint64_t{1} << 60, kBegin + 1s);
  CHECK(pace.left(kBegin + 1s) == 30s);
  CHECK(pace.left(kBegin + 31s) == 0s);
}

TEST_CASE("time in which others are waited for does not count") {
  Pace pace(100, 30s);
  pace.wait(kBegin);
  pace.rest(kBegin + 10s);
  CHECK(pace.left(kBegin + 1000s) == 20s);
  pace.wait(kBegin + 1000s);
  pace.wait(kBegin + 1005s); // still
  CHECK(pace.left(kBegin + 1010s) == 10s);
}

TEST_CASE("without a rate there is no end") {
  Pace pace(0, 30s);
  pace.wait(kBegin);
  CHECK(pace.left(kBegin + 24h) == core::Duration::max());
  pace.rest(kBegin + 24h);
  CHECK(pace.left(kBegin + 48h) == core::Duration::max());
}
