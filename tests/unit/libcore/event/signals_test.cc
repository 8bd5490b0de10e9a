#include "libcore/event/signals.h"

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <memory>
#include <vector>

#include "tests/unit/libcore/event/watched_loop.h"

namespace {

using namespace std::chrono_literals;

TEST_CASE("signals arrive as calls on the loop's thread, with their number") {
  WatchedLoop loop;
  std::vector<int> seen;
  const event::Signals signals(loop, {SIGUSR1, SIGUSR2},
                               [&](int number) { seen.push_back(number); });
  std::raise(SIGUSR2);
  loop.run_until([&] { return seen.size() == 1; });
  std::raise(SIGUSR1);
  loop.run_until([&] { return seen.size() == 2; });
  CHECK(seen == std::vector{SIGUSR2, SIGUSR1});
}

TEST_CASE("a signal wakes a sleeping loop, and finds the time of its own wake-up") {
  event::Loop loop;
  core::TimePoint raised{};
  bool up_to_date = false;
  const event::Signals signals(loop, {SIGUSR1}, [&](int) {
    up_to_date = loop.now().steady >= raised;
    loop.stop();
  });
  loop.post([&] {
    raised = event::read_now().steady;
    std::raise(SIGUSR1);
  });
  loop.run();
  CHECK(up_to_date);
}

TEST_CASE("signals may go from inside their own handler") {
  WatchedLoop loop;
  int calls = 0;
  std::unique_ptr<event::Signals> signals;
  signals = std::make_unique<event::Signals>(loop, std::initializer_list<int>{SIGUSR1, SIGUSR2},
                                             [&](int) {
                                               ++calls;
                                               signals.reset();
                                             });
  std::raise(SIGUSR1);
  loop.run_until([&] { return calls == 1; });
  loop.settle();
  CHECK(calls == 1);
}

TEST_CASE("a signal that comes after them does not end the process: it is about to end by itself") {
  {
    event::Loop loop;
    const event::Signals signals(loop, {SIGUSR1}, [](int) {});
  }
  std::raise(SIGUSR1);
  SUCCEED();
}

TEST_CASE("a loop may go right after its signals, without running once more") {
  auto held = std::make_shared<int>(1);
  {
    event::Loop loop;
    const event::Signals signals(loop, {SIGUSR1}, [held](int) {});
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("signals for no number at all leave nothing behind") {
  event::Loop loop;
  const event::Signals signals(loop, {}, [](int) {});
}

TEST_CASE("two loops that wait for the same signal are both told") {
  WatchedLoop first;
  WatchedLoop second;
  int told = 0;
  const event::Signals one(first, {SIGUSR1}, [&](int) { ++told; });
  const event::Signals other(second, {SIGUSR1}, [&](int) { ++told; });
  std::raise(SIGUSR1);
  first.run_until([&] { return told == 1; });
  second.run_until([&] { return told == 2; });
}

} // namespace
