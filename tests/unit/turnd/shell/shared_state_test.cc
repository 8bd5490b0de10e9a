// What workers share, asked by several threads at once: also run under ThreadSanitizer.
#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "turnd/shell/shared_quota.h"

namespace {

TEST_CASE("the quota holds whichever threads ask, and everything comes back", "[threads]") {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kInAll = 3;
  turnd::SharedQuota quota({.in_all = kInAll});
  std::atomic<std::uint64_t> held = 0;
  std::atomic<bool> exceeded = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2000; ++round) {
        const auto ticket = quota.ticket(i % 2 == 0 ? "alice" : "bob");
        if (!ticket) continue;
        if (++held > kInAll) exceeded = true;
        --held;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(exceeded);
  std::vector<turnd::Quota::Ticket> all;
  for (std::uint64_t i = 0; i < kInAll; ++i) all.push_back(quota.ticket("carol").value());
  CHECK_FALSE(quota.ticket("carol"));
}

TEST_CASE("a user's bandwidth holds whichever threads relay", "[threads]") {
  constexpr std::uint64_t kPerSecond = 100'000;
  constexpr std::size_t kBytes = 100;
  constexpr int kThreads = 4;
  turnd::SharedQuota quota({.bandwidth_per_user = kPerSecond});
  const core::TimePoint now(std::chrono::hours(1000));
  std::atomic<std::uint64_t> relayed = 0;
  std::vector<turnd::Quota::Ticket> tickets;
  for (int i = 0; i < kThreads; ++i) tickets.push_back(quota.ticket("alice").value());
  std::vector<std::thread> threads;
  for (turnd::Quota::Ticket& ticket : tickets) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (ticket.admit(kBytes, now)) relayed += kBytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(relayed == kPerSecond);
  CHECK(tickets[0].admit(kBytes, now + std::chrono::milliseconds(1)));
  CHECK_FALSE(tickets[1].admit(kBytes, now + std::chrono::milliseconds(1)));
}

} // namespace
