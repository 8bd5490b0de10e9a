// The tables and counters under the server, each at its limit and one past it.
#include <catch2/catch_test_macros.hpp>

#include <map>
#include <set>

#include "tests/support/turn/scene.h"
#include "turnd/relay/allocation_table.h"
#include "turnd/relay/answer_limiter.h"
#include "turnd/relay/ports.h"
#include "turnd/relay/quota.h"

namespace {

using std::chrono::seconds;
using turn_test::SeededRandom;

constexpr core::TimePoint kStart{std::chrono::hours(1)};

turnd::FiveTuple five_tuple(std::uint16_t port) {
  turnd::FiveTuple tuple;
  tuple.client = core::SocketAddress(core::IpAddress::v4(192, 0, 2, 7), port);
  return tuple;
}

TEST_CASE("allocations are found by five-tuple, whatever comes and goes") {
  turnd::AllocationTable table(42);
  std::map<std::uint16_t, turnd::Allocation*> expected;
  SeededRandom random;
  for (int step = 0; step < 20000; ++step) {
    const auto port = static_cast<std::uint16_t>(random.below(700));
    const auto known = expected.find(port);
    if (known == expected.end()) {
      auto allocation = std::make_unique<turnd::Allocation>();
      allocation->five_tuple = five_tuple(port);
      expected[port] = &table.add(std::move(allocation));
    } else if (random.below(2) == 0) {
      table.remove(*known->second);
      expected.erase(known);
    }
    if (step % 500 == 0) {
      for (std::uint16_t p = 0; p < 700; ++p) {
        const auto there = expected.find(p);
        REQUIRE(table.find(five_tuple(p)) == (there == expected.end() ? nullptr : there->second));
      }
    }
    REQUIRE(table.size() == expected.size());
  }
}

TEST_CASE("rule 36: relay ports are random, and each is given once") {
  turnd::PortPool one({50000, 50999}, 0, 1);
  turnd::PortPool two({50000, 50999}, 0, 1);
  SeededRandom first(1);
  SeededRandom second(2);
  std::set<std::uint16_t> seen;
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto port = one.take(first, kStart).value();
    CHECK(one.is_taken(port));
    seen.insert(port);
    if (port == two.take(second, kStart)) ++same;
  }
  CHECK(seen.size() == 1000);
  CHECK(*seen.begin() == 50000);
  CHECK(*seen.rbegin() == 50999);
  CHECK(same < 20);
  CHECK_FALSE(one.take(first, kStart));
}

TEST_CASE("rule 36: a port rests before it is used again") {
  turnd::PortPool pool({50000, 50001}, 0, 1);
  SeededRandom random;
  const auto used = pool.take(random, kStart).value();
  pool.give_back(used, kStart);
  CHECK_FALSE(pool.is_taken(used));
  // The other one is free, so it is the other one.
  const auto other = pool.take(random, kStart + seconds(29)).value();
  CHECK(other != used);
  pool.give_back(other, kStart + seconds(29));
  CHECK(pool.take(random, kStart + seconds(30)) == used);
}

TEST_CASE("when all other ports are taken the longest rested one goes, but not at once") {
  turnd::PortPool pool({50000, 50000}, 0, 1);
  SeededRandom random;
  pool.give_back(pool.take(random, kStart).value(), kStart);
  CHECK_FALSE(pool.take(random, kStart + std::chrono::milliseconds(999)));
  CHECK(pool.take(random, kStart + seconds(1)) == 50000);
}

TEST_CASE("workers share no port, and pairs stay with one worker") {
  std::set<std::uint16_t> all;
  for (unsigned worker = 0; worker < 3; ++worker) {
    turnd::PortPool pool({49153, 49999}, worker, 3);
    SeededRandom random;
    std::set<std::uint16_t> mine;
    while (const auto port = pool.take(random, kStart)) mine.insert(*port);
    for (const std::uint16_t port : mine) {
      CHECK(all.insert(port).second);
      if (port != 49153) CHECK(mine.contains(port ^ 1));
    }
  }
  CHECK(all.size() == 49999 - 49153 + 1);
}

TEST_CASE("even ports and pairs are found as long as there is one") {
  turnd::PortPool pool({50000, 50009}, 0, 1);
  SeededRandom random;
  for (int i = 0; i < 3; ++i) {
    const auto even = pool.take_pair(random, kStart).value();
    CHECK(even % 2 == 0);
    CHECK(pool.is_taken(even));
    CHECK(pool.is_taken(static_cast<std::uint16_t>(even + 1)));
  }
  CHECK(pool.take_even(random, kStart).value() % 2 == 0);
  CHECK(pool.take_even(random, kStart).value() % 2 == 0);
  CHECK_FALSE(pool.take_even(random, kStart));
  CHECK_FALSE(pool.take_pair(random, kStart));
  CHECK(pool.take(random, kStart).value() % 2 == 1);
  CHECK(pool.available() == 1);
}

TEST_CASE("another range of ports: taken ones stay taken, and what is given back rests as ever") {
  turnd::PortPool pool({50000, 50001}, 0, 1);
  SeededRandom random;
  const auto taken = pool.take(random, kStart).value();
  pool.set_range({50010, 50010});
  CHECK(pool.is_taken(taken));
  CHECK(pool.take(random, kStart) == 50010);
  CHECK_FALSE(pool.take(random, kStart));
  pool.give_back(taken, kStart);
  CHECK_FALSE(pool.take(random, kStart + seconds(60))); // it isn't in the range
  pool.set_range({50000, 50001});
  std::set<std::uint16_t> both{pool.take(random, kStart + seconds(60)).value(),
                               pool.take(random, kStart + seconds(60)).value()};
  CHECK(both == std::set<std::uint16_t>{50000, 50001});
  CHECK_FALSE(pool.take(random, kStart + seconds(60)));
}

TEST_CASE("a port that rests when its range goes and comes again is not given twice") {
  turnd::PortPool pool({50000, 50000}, 0, 1);
  SeededRandom random;
  pool.give_back(pool.take(random, kStart).value(), kStart);
  pool.set_range({1, 0});
  pool.set_range({50000, 50000});
  CHECK_FALSE(pool.take(random, kStart));
  CHECK(pool.take(random, kStart + seconds(30)) == 50000);
  CHECK_FALSE(pool.take(random, kStart + seconds(60)));
}

TEST_CASE("the last port of all is a port like others") {
  turnd::PortPool pool({65534, 65535}, 0, 1);
  SeededRandom random;
  CHECK(pool.take_pair(random, kStart) == 65534);
  CHECK_FALSE(pool.take(random, kStart));
}

TEST_CASE("quota tickets give back exactly once, wherever they were moved") {
  turnd::QuotaTable quota({.in_all = 2, .per_user = 1});
  auto alice = quota.ticket("alice").value();
  CHECK(quota.ticket("alice").error() == turnd::QuotaRefusal::user_full);
  auto bob = quota.ticket("bob").value();
  CHECK(quota.ticket("carol").error() == turnd::QuotaRefusal::server_full);
  {
    const auto moved = std::move(alice);
    CHECK(quota.taken() == 2);
  }
  CHECK(quota.taken() == 1);
  bob = quota.ticket("alice").value();
  CHECK(quota.taken() == 1);
  bob = {};
  CHECK(quota.taken() == 0);
}

TEST_CASE("rule 35: a hot source stays limited while others come by in any number") {
  turnd::AnswerLimiter limiter({.per_second = 1, .burst = 4}, 99);
  const auto victim = core::IpAddress::v4(203, 0, 113, 1);
  int admitted = 0;
  SeededRandom random;
  for (int i = 0; i < 100'000; ++i) {
    if (i % 100 == 0 && limiter.admit(victim, kStart)) ++admitted;
    const std::uint32_t other = random.u32();
    CHECK(limiter.admit(core::IpAddress::v4(static_cast<std::uint8_t>(other >> 24),
                                            static_cast<std::uint8_t>(other >> 16),
                                            static_cast<std::uint8_t>(other >> 8),
                                            static_cast<std::uint8_t>(other)),
                        kStart));
  }
  CHECK(admitted <= 8);
}

TEST_CASE("the limiter refills also when it is asked more often than its clock ticks") {
  turnd::AnswerLimiter limiter({.per_second = 100, .burst = 1}, 99);
  const auto source = core::IpAddress::v4(203, 0, 113, 1);
  int admitted = 0;
  for (int i = 0; i < 10'000; ++i) { // one second in steps of 0.1 ms
    if (limiter.admit(source, kStart + std::chrono::microseconds(100) * i)) ++admitted;
  }
  CHECK(admitted >= 99);
  CHECK(admitted <= 101);
}

} // namespace
