#include "rproxyd/proxy/backend_pool.h"

#include <catch2/catch_test_macros.hpp>

#include <set>

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

core::IpAddress client(int n) {
  return core::IpAddress::v4(203, 0, static_cast<std::uint8_t>(n >> 8),
                             static_cast<std::uint8_t>(n));
}

int chosen(BackendPool& pool, const core::IpAddress& who, core::TimePoint now,
           std::vector<BackendId> tried = {}) {
  const auto id = pool.choose(who, tried, now);
  return id ? static_cast<int>(*id) : -1;
}

constexpr core::TimePoint kStart{100s};
constexpr auto kNone = BackendPool::Affinity::none;
constexpr auto kByAddress = BackendPool::Affinity::client_address;
constexpr auto kRoundRobin = BackendPool::Policy::round_robin;

} // namespace

TEST_CASE("round robin gives new clients to each backend in turn") {
  BackendPool pool(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(2), kStart) == 1);
  CHECK(chosen(pool, client(3), kStart) == 2);
  CHECK(chosen(pool, client(4), kStart) == 0);
}

TEST_CASE("affinity keeps a client on its backend, until it has been away for long") {
  BackendPool pool(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(2), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart + 1h) == 0);
  CHECK(chosen(pool, client(1), kStart + 1h + BackendPool::kClientMemory) == 2);
}

TEST_CASE("without affinity every request goes round") {
  BackendPool pool(2, kRoundRobin, kNone);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(pool.clients() == 0);
}

TEST_CASE("an IPv6 client is known by its /64, an IPv4-mapped one by its IPv4 address") {
  BackendPool pool(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, *core::IpAddress::parse("2001:db8:1:2::1"), kStart) == 0);
  CHECK(chosen(pool, *core::IpAddress::parse("2001:db8:1:2:ffff::9"), kStart) == 0);
  CHECK(chosen(pool, *core::IpAddress::parse("2001:db8:1:3::1"), kStart) == 1);
  CHECK(chosen(pool, *core::IpAddress::parse("203.0.113.5"), kStart) == 2);
  CHECK(chosen(pool, *core::IpAddress::parse("::ffff:203.0.113.5"), kStart) == 2);
}

TEST_CASE("what has been tried is not chosen again, and the client moves with the choice") {
  BackendPool pool(2, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 1);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}, BackendId{1}}) == -1);
}

TEST_CASE("a client that has come back to its backend moves only when that can't be reached") {
  BackendPool pool(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 1); // a 503, say
  CHECK(chosen(pool, client(1), kStart) == 0);
  pool.unreachable(BackendId{0}, kStart);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 2);
  pool.reachable(BackendId{0});
  CHECK(chosen(pool, client(1), kStart) == 2);
  CHECK(chosen(pool, client(1), kStart, {BackendId{2}}) == 0);
  CHECK(chosen(pool, client(1), kStart) == 2);
}

TEST_CASE("a backend that can't be reached is left alone, for longer each time, up to a limit") {
  BackendPool pool(2, kRoundRobin, kNone);
  core::TimePoint now = kStart;
  core::Duration expected = BackendPool::kFirstBackOff;
  for (int i = 0; i < 10; ++i) {
    pool.unreachable(BackendId{0}, now);
    CHECK(pool.status(BackendId{0}, now + expected - 1ns).in_back_off);
    CHECK_FALSE(pool.status(BackendId{0}, now + expected).in_back_off);
    CHECK(chosen(pool, client(1), now) == 1);
    now += expected;
    expected = std::min<core::Duration>(expected * 2, BackendPool::kLongestBackOff);
  }
  pool.reachable(BackendId{0});
  pool.unreachable(BackendId{0}, now);
  CHECK_FALSE(pool.status(BackendId{0}, now + BackendPool::kFirstBackOff).in_back_off);
}

TEST_CASE("failures of one moment count once") {
  BackendPool pool(1, kRoundRobin, kNone);
  for (int i = 0; i < 20; ++i) pool.unreachable(BackendId{0}, kStart);
  CHECK_FALSE(pool.status(BackendId{0}, kStart + BackendPool::kFirstBackOff).in_back_off);
}

TEST_CASE("when all rest, the one whose rest ends first is tried rather than none") {
  BackendPool pool(2, kRoundRobin, kByAddress);
  pool.unreachable(BackendId{0}, kStart);
  pool.unreachable(BackendId{1}, kStart + 1ms);
  CHECK(chosen(pool, client(1), kStart + 2ms) == 0);
}

TEST_CASE("least connections chooses the backend with the fewest exchanges") {
  BackendPool pool(3, BackendPool::Policy::least_connections, kNone);
  pool.exchange_begun(BackendId{0});
  pool.exchange_begun(BackendId{0});
  pool.exchange_begun(BackendId{1});
  CHECK(chosen(pool, client(1), kStart) == 2);
  pool.exchange_begun(BackendId{2});
  pool.exchange_begun(BackendId{2});
  CHECK(chosen(pool, client(1), kStart) == 1);
  pool.exchange_ended(BackendId{0});
  pool.exchange_ended(BackendId{0});
  CHECK(chosen(pool, client(1), kStart) == 0);
}

TEST_CASE("client hash spreads clients, and moves only those of the backend that rests") {
  BackendPool pool(4, BackendPool::Policy::client_hash, kNone);
  std::vector<int> before;
  std::vector<int> share(4);
  for (int i = 0; i < 1000; ++i) {
    before.push_back(chosen(pool, client(i), kStart));
    ++share[static_cast<std::size_t>(before.back())];
  }
  for (const int clients : share) CHECK(clients > 150);
  pool.unreachable(BackendId{2}, kStart);
  for (int i = 0; i < 1000; ++i) {
    const int now = chosen(pool, client(i), kStart);
    const int was = before[static_cast<std::size_t>(i)];
    CHECK(now != 2);
    if (was != 2) CHECK(now == was);
  }
}

TEST_CASE("at the limit of remembered clients the one unseen for longest is forgotten") {
  BackendPool pool(2, kRoundRobin, kByAddress);
  const auto address = [](std::size_t i) {
    return core::IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16),
                               static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
  };
  for (std::size_t i = 0; i < BackendPool::kMaxClients; ++i) chosen(pool, address(i), kStart);
  CHECK(pool.clients() == BackendPool::kMaxClients);
  const int second = chosen(pool, address(1), kStart);
  chosen(pool, address(0), kStart);                        // seen again: no longer the oldest
  chosen(pool, address(BackendPool::kMaxClients), kStart); // one past the limit: 2 is forgotten
  CHECK(pool.clients() == BackendPool::kMaxClients);
  CHECK(chosen(pool, address(1), kStart) == second);
}
