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
  turnd::SharedQuota quota(kInAll, turnd::QuotaTable::kNoLimit);
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

} // namespace
