#include "rproxyd/proxy/backend_health.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;

TEST_CASE("what an answer to a check means") {
  CHECK(check_result(200, R"({"status":"success","result":"OK"})") == CheckResult::passed);
  CHECK(check_result(302, "") == CheckResult::passed);
  CHECK(check_result(404, "") == CheckResult::failed);
  CHECK(check_result(500, "Maintenance mode") == CheckResult::failed);
  CHECK(check_result(503, "") == CheckResult::failed);
  CHECK(check_result(503, R"({"status":"failed","result":"Maintenance mode"})") ==
        CheckResult::maintenance);
}

TEST_CASE("results must come in a row to count") {
  BackendHealth health;
  const HealthRules rules{.fall = 3, .rise = 2};
  CHECK_FALSE(health.note(CheckResult::passed, rules));
  CHECK_FALSE(health.note(CheckResult::failed, rules));
  CHECK_FALSE(health.note(CheckResult::failed, rules));
  CHECK_FALSE(health.note(CheckResult::passed, rules));
  CHECK_FALSE(health.note(CheckResult::failed, rules));
  CHECK_FALSE(health.note(CheckResult::failed, rules));
  CHECK(health.note(CheckResult::failed, rules));
  CHECK(health.state() == BackendHealth::State::down);
}

TEST_CASE("a node in maintenance that stops answering is down after `fall` checks") {
  BackendHealth health;
  const HealthRules rules{.fall = 2, .rise = 2};
  CHECK(health.note(CheckResult::maintenance, rules));
  CHECK_FALSE(health.note(CheckResult::failed, rules));
  CHECK(health.state() == BackendHealth::State::maintenance);
  CHECK(health.note(CheckResult::failed, rules));
  CHECK(health.state() == BackendHealth::State::down);
  CHECK(health.note(CheckResult::maintenance, rules));
  CHECK(health.state() == BackendHealth::State::maintenance);
}
