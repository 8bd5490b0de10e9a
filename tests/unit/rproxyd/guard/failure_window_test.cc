#include "rproxyd/guard/failure_window.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using rproxyd::FailureWindow;

namespace {
core::TimePoint at(core::Duration t) { return core::TimePoint(t); }
} // namespace

TEST_CASE("a failure counts until the window has passed it") {
  FailureWindow window;
  window.add(at(100s));
  window.add(at(110s));
  window.slide(at(400s - 1ns), 300s);
  CHECK(window.count() == 2);
  window.slide(at(400s), 300s);
  CHECK(window.count() == 1);
  window.slide(at(410s), 300s);
  CHECK(window.count() == 0);
}

TEST_CASE("when there will be room again is told") {
  FailureWindow window;
  for (const auto t : {1s, 1s, 2s, 3s, 4s}) window.add(at(t));
  CHECK(window.below(5, 300s) == at(301s));
  CHECK(window.below(4, 300s) == at(301s));
  CHECK(window.below(3, 300s) == at(302s));
  CHECK(window.below(1, 300s) == at(304s));
  CHECK(window.below(6, 300s) == core::TimePoint{});
}

TEST_CASE("beyond the moments that are told apart failures are forgotten late, never early") {
  FailureWindow window;
  const auto moments = static_cast<int>(FailureWindow::kMaxMoments);
  for (int i = 0; i <= moments; ++i) window.add(at(i * 1s));
  CHECK(window.count() == FailureWindow::kMaxMoments + 1);
  window.slide(at(300s), 300s); // the first should go
  CHECK(window.count() == FailureWindow::kMaxMoments + 1);
  window.slide(at(301s), 300s);
  CHECK(window.count() == FailureWindow::kMaxMoments - 1);
}
