#include "libcore/admin/history.h"

#include <catch2/catch_test_macros.hpp>

using nlohmann::json;

namespace {

core::WallTime at(std::size_t seconds) { return core::WallTime(std::chrono::seconds(seconds)); }

} // namespace

TEST_CASE("history has what the totals and gauges were, the oldest first") {
  admin::History history;
  history.add(at(5), {{"totals", {{"a", 1}}}, {"gauges", {{"g", 1.5}}}});
  history.add(at(10), {{"totals", {{"a", 3}, {"b", 7}}}});
  CHECK(history.show() == json{{"seconds_per_point", 5},
                               {"at", {5, 10}},
                               {"totals", {{"a", {1, 3}}, {"b", {nullptr, 7}}}},
                               {"gauges", {{"g", {1.5, nullptr}}}}});
  CHECK(history.show(1)["at"] == json{10});
  CHECK(history.show(1)["totals"]["b"] == json{7});
  CHECK(history.show(0)["at"] == json::array());
}

TEST_CASE("history keeps so many points and names") {
  admin::History history;
  json many;
  for (std::size_t i = 0; i <= admin::History::kMaxSeries; ++i) many[std::to_string(1000 + i)] = i;
  for (std::size_t i = 0; i <= admin::History::kPoints; ++i)
    history.add(at(i), {{"totals", many}, {"gauges", {{"g", i}}}});
  const auto shown = history.show();
  CHECK(shown["at"].size() == admin::History::kPoints);
  CHECK(shown["at"].front() == 1);
  CHECK(shown["gauges"]["g"].front() == 1);
  CHECK(shown["gauges"]["g"].back() == admin::History::kPoints);
  CHECK(shown["totals"].size() == admin::History::kMaxSeries);
}

TEST_CASE("what is no number is not kept") {
  admin::History history;
  history.add(at(5), {{"totals", {{"a", "many"}}}, {"gauges", json::array({1})}});
  CHECK(history.show()["totals"].empty());
  CHECK(history.show()["gauges"].empty());
}
