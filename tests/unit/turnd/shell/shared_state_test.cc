// What workers share, asked by several threads at once: also run under ThreadSanitizer.
#include <catch2/catch_test_macros.hpp>

#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "turnd/shell/shared_mobile_allocations.h"
#include "turnd/shell/shared_peer_connections.h"
#include "turnd/shell/shared_quota.h"
#include "turnd/shell/shared_sibling_loads.h"

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

TEST_CASE("as many are sent to a less busy server as it takes, whichever threads ask",
          "[threads]") {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kOwn = 1016;
  const core::TimePoint now(std::chrono::hours(1000));
  const core::SocketAddress sibling(core::IpAddress::v4(192, 0, 2, 1), 3478);
  turnd::SharedSiblingLoads loads;
  loads.set(std::vector<turnd::ServerLoad>{{.server = sibling, .allocations = 0}}, kOwn, now);
  std::atomic<int> sent = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (loads.state().known && loads.less_busy(kOwn, core::Family::ipv4, now)) ++sent;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(sent == 800); // 1016 is not above 800 * 5 / 4 + 16
  loads.set_unknown("no such file");
  CHECK_FALSE(loads.less_busy(kOwn, core::Family::ipv4, now));
  CHECK(loads.state().why_not == "no such file");
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

TEST_CASE("RFC 6062: a peer's connection is bound once, whichever threads ask", "[threads]") {
  constexpr unsigned kThreads = 4;
  constexpr std::uint32_t kRounds = 500;
  turnd::SharedPeerConnections shared;
  std::atomic<std::uint32_t> sockets = 0;
  std::atomic<bool> twice = false;
  std::vector<std::thread> threads;
  for (unsigned me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      turnd::WorkerPeerConnections mine(shared);
      for (std::uint32_t round = 0; round < kRounds; ++round) {
        const auto number = static_cast<turnd::ConnectionNumber>(round);
        const turnd::ConnectionId id{.number = number, .serial = round};
        if (me == 0) {
          mine.offer(event::Fd(::dup(0)));
          if (!mine.hold(id, turnd::ConnectionOwner())) twice = true;
          continue;
        }
        // Anybody's: the one that binds it finds the socket, once.
        for (int i = 0; i < 1000 && mine.owner(number); ++i) {
          if (const auto bound = mine.bind(number, me)) {
            if (shared.adopt(*bound)) ++sockets;
            if (shared.adopt(*bound)) twice = true;
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  turnd::WorkerPeerConnections last(shared);
  std::uint32_t left = 0;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    const turnd::ConnectionId id{.number = turnd::ConnectionNumber{round}, .serial = round};
    if (last.expire(id)) ++left;
    last.end(id);
    CHECK_FALSE(last.exists(id));
  }
  CHECK(sockets + left == kRounds);
  CHECK_FALSE(twice);
}

TEST_CASE("RFC 8016: where a mobile allocation is has one answer at a time", "[threads]") {
  constexpr unsigned kThreads = 4;
  turnd::SharedMobileAllocations shared;
  std::atomic<bool> lost = false;
  std::vector<std::thread> threads;
  for (unsigned me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      for (std::uint64_t round = 0; round < 2000; ++round) {
        const auto number = static_cast<turnd::AllocationNumber>(me * 10'000 + round);
        if (!shared.add(number, me) || shared.add(number, me)) lost = true;
        shared.move(number, me + 1);
        if (shared.owner(number) != me + 1) lost = true;
        shared.remove(number);
        if (shared.owner(number)) lost = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(lost);
}

} // namespace
