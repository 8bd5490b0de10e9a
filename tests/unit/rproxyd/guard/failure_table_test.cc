#include "rproxyd/guard/failure_table.h"

#include <catch2/catch_test_macros.hpp>
#include <functional>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

core::TimePoint at(core::Duration t) { return core::TimePoint(t); }
constexpr core::Duration kWindow = 300s;

struct Table : FailureTable<int, std::hash<int>> {
  using FailureTable::FailureTable;
  void fail(int key, core::TimePoint now) {
    const bool shared = begin(key, now, kWindow).shared;
    end(key, shared, now, kWindow).failures.add(now);
    drop_if_empty(key);
  }
};

} // namespace

TEST_CASE("an attempt that ends without a failure leaves nothing behind") {
  Table table(10);
  const auto held = table.begin(1, at(1s), kWindow);
  CHECK_FALSE(held.shared);
  CHECK(table.look(1, at(1s), kWindow)->load() == 1);
  table.end(1, false, at(2s), kWindow);
  table.drop_if_empty(1);
  CHECK(table.size() == 0);
  CHECK(table.look(1, at(2s), kWindow) == nullptr);
}

TEST_CASE("a full table keeps what it knows; strangers are counted together") {
  constexpr int kShared = Table::kSharedTallies;
  Table table(2);
  table.fail(1, at(1s));
  table.fail(2, at(1s));
  CHECK(table.begin(3, at(2s), kWindow).shared);
  table.end(3, true, at(2s), kWindow).failures.add(at(2s));
  CHECK(table.size() == 2);
  CHECK(table.look(1, at(2s), kWindow)->failures.count() == 1);
  CHECK(table.look(3, at(2s), kWindow)->failures.count() == 1);
  CHECK(table.look(3 + kShared, at(2s), kWindow)->failures.count() == 1); // the same tally
  CHECK(table.look(4, at(2s), kWindow)->failures.count() == 0);
}

TEST_CASE("what the window has passed makes room, attempts in progress stay") {
  Table table(3);
  table.fail(1, at(1s));
  table.begin(2, at(1s), kWindow);
  table.fail(3, at(2s));
  CHECK_FALSE(table.begin(4, at(301s), kWindow).shared); // 1 is gone
  CHECK(table.size() == 3);
  CHECK(table.begin(5, at(301s), kWindow).shared);
  table.end(2, false, at(302s), kWindow);
  table.drop_if_empty(2);
  CHECK_FALSE(table.begin(5, at(302s), kWindow).shared);
}

TEST_CASE("an attempt that began among strangers ends there, although there is room by then") {
  Table table(1);
  table.fail(1, at(1s));
  REQUIRE(table.begin(2, at(1s), kWindow).shared);
  REQUIRE_FALSE(table.begin(2, at(301s), kWindow).shared);
  CHECK(table.end(2, true, at(302s), kWindow).in_progress == 0);
  CHECK(table.look(2, at(302s), kWindow)->in_progress == 1);
}
