#include "rproxyd/proxy/backend_record.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

constexpr core::TimePoint kStart{100s};

} // namespace

TEST_CASE("a backend's state has a since and a why, and its history begins when it was added") {
  BackendRecord record(kStart);
  CHECK(record.current().state == BackendState::up);
  CHECK(record.current().at == kStart);

  record.learn(BackendState::down, false, kStart + 5s, "it answered 500");
  record.learn(BackendState::down, false, kStart + 9s, "no answer in time"); // no news
  CHECK(record.current().state == BackendState::down);
  CHECK(record.current().at == kStart + 5s);
  CHECK(record.current().why == "it answered 500");
  CHECK(record.transitions().size() == 2);
}

TEST_CASE("a backend that rests is well again when it has answered, not when its time is up") {
  BackendRecord record(kStart);
  record.learn(BackendState::resting, false, kStart + 1s, "Connection refused");
  record.learn(BackendState::up, false, kStart + 2s, "");
  CHECK(record.current().state == BackendState::resting);
  record.learn(BackendState::maintenance, false, kStart + 2s, "");
  CHECK(record.current().state == BackendState::resting);

  SECTION("it is reached") {
    record.learn(BackendState::up, true, kStart + 3s, "it answers again");
    CHECK(record.current().state == BackendState::up);
  }
  SECTION("its checks fail, too") {
    record.learn(BackendState::down, false, kStart + 3s, "Connection refused");
    CHECK(record.current().state == BackendState::down);
  }
  SECTION("it is taken out of the pool") {
    record.learn(BackendState::draining, false, kStart + 3s, "removed");
    CHECK(record.current().state == BackendState::draining);
  }
}

TEST_CASE("of transitions the latest are kept, and no more of a reason than fits") {
  BackendRecord record(kStart);
  for (int i = 1; i <= 100; ++i) {
    record.learn(i % 2 == 0 ? BackendState::up : BackendState::down, true, kStart + i * 1s,
                 std::string(1000, 'x'));
  }
  CHECK(record.transitions().size() == BackendRecord::kTransitions);
  CHECK(record.transitions().back().at == kStart + 100s);
  CHECK(record.transitions().front().at == kStart + 85s);
  CHECK(record.current().why.size() == BackendRecord::kWhyBytes);
}

TEST_CASE("attempts and checks are counted by what became of them") {
  BackendRecord record(kStart);
  record.attempt_ended(BackendPool::Outcome::answered, 20ms);
  record.attempt_ended(BackendPool::Outcome::answered, 30ms);
  record.attempt_ended(BackendPool::Outcome::broken, std::nullopt);
  record.attempt_ended(BackendPool::Outcome::unknown, std::nullopt);
  record.checked(CheckResult::passed);
  record.checked(CheckResult::maintenance);
  record.checked(CheckResult::failed);
  CHECK(record.counts().answered == 2);
  CHECK(record.counts().broken == 1);
  CHECK(record.counts().unfinished == 1);
  CHECK(record.counts().latency.count() == 2);
  CHECK(record.counts().latency.sum() == 50ms);
  CHECK(record.counts().checks_passed == 2); // in maintenance it answers
  CHECK(record.counts().checks_failed == 1);
}

TEST_CASE("the worst that is known of a backend is its state") {
  using Health = BackendHealth::State;
  const auto state = [](Health health, bool in_back_off, bool is_member) {
    return state_of({.exchanges = 0, .in_back_off = in_back_off, .health = health}, is_member);
  };
  CHECK(state(Health::up, false, true) == BackendState::up);
  CHECK(state(Health::up, true, true) == BackendState::resting);
  CHECK(state(Health::maintenance, false, true) == BackendState::maintenance);
  CHECK(state(Health::maintenance, true, true) == BackendState::resting);
  CHECK(state(Health::down, true, true) == BackendState::down);
  CHECK(state(Health::up, false, false) == BackendState::draining);
}
