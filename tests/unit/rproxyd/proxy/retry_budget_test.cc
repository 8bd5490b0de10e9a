#include "rproxyd/proxy/retry_budget.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

constexpr core::TimePoint kStart{100s};

int taken(RetryBudget& budget, core::TimePoint now, int at_most = 10'000) {
  int count = 0;
  while (count < at_most && budget.take(now)) ++count;
  return count;
}

} // namespace

TEST_CASE("rule 18: a few retries a second are there for everybody") {
  RetryBudget budget(20);
  CHECK(taken(budget, kStart) == 10);
  CHECK(taken(budget, kStart + 1s) == 10);
  CHECK(taken(budget, kStart + 1500ms) == 5);
}

TEST_CASE("rule 18: requests earn a fraction of a retry each") {
  RetryBudget budget(20);
  CHECK(taken(budget, kStart) == 10);
  for (int i = 0; i < 100; ++i) budget.request_begun();
  CHECK(taken(budget, kStart) == 20);
}

TEST_CASE("rule 18: what was earned long ago is forgotten, so that a quiet day earns no storm") {
  RetryBudget budget(20);
  for (int i = 0; i < 100'000; ++i) budget.request_begun();
  CHECK(taken(budget, kStart) == 100);
  CHECK(taken(budget, kStart + 24h) == 100);
}

TEST_CASE("a budget of nothing still has the few, one of all has no limit") {
  RetryBudget nothing(0);
  for (int i = 0; i < 1000; ++i) nothing.request_begun();
  CHECK(taken(nothing, kStart) == 10);
  RetryBudget all(100);
  CHECK(taken(all, kStart, 5000) == 5000);
}
