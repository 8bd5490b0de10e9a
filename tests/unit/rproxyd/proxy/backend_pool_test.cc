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

BackendPool pool_of(int backends, BackendPool::Policy policy, BackendPool::Affinity affinity) {
  BackendPool::Rules rules;
  rules.policy = policy;
  rules.affinity = affinity;
  BackendPool pool(rules);
  for (int i = 0; i < backends; ++i) pool.add({.key = static_cast<BackendKey>(i)}, {});
  return pool;
}

int chosen(BackendPool& pool, const core::IpAddress& who, core::TimePoint now,
           std::vector<BackendId> tried = {}) {
  const auto id = pool.choose(who, tried, std::nullopt, now);
  return id ? static_cast<int>(*id) : -1;
}

constexpr core::TimePoint kStart{100s};
constexpr auto kNone = BackendPool::Affinity::none;
constexpr auto kByAddress = BackendPool::Affinity::client_address;
constexpr auto kRoundRobin = BackendPool::Policy::round_robin;

} // namespace

TEST_CASE("round robin gives new clients to each backend in turn") {
  BackendPool pool = pool_of(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(2), kStart) == 1);
  CHECK(chosen(pool, client(3), kStart) == 2);
  CHECK(chosen(pool, client(4), kStart) == 0);
}

TEST_CASE("affinity keeps a client on its backend, until it has been away for long") {
  BackendPool pool = pool_of(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(2), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart + 1h) == 0);
  CHECK(chosen(pool, client(1), kStart + 1h + BackendPool::kClientMemory) == 2);
}

TEST_CASE("without affinity every request goes round") {
  BackendPool pool = pool_of(2, kRoundRobin, kNone);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(pool.clients() == 0);
}

TEST_CASE("an IPv6 client is known by its /64, an IPv4-mapped one by its IPv4 address") {
  BackendPool pool = pool_of(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, *core::IpAddress::parse("2001:db8:1:2::1"), kStart) == 0);
  CHECK(chosen(pool, *core::IpAddress::parse("2001:db8:1:2:ffff::9"), kStart) == 0);
  CHECK(chosen(pool, *core::IpAddress::parse("2001:db8:1:3::1"), kStart) == 1);
  CHECK(chosen(pool, *core::IpAddress::parse("203.0.113.5"), kStart) == 2);
  CHECK(chosen(pool, *core::IpAddress::parse("::ffff:203.0.113.5"), kStart) == 2);
}

TEST_CASE("what has been tried is not chosen again, and the client moves with the choice") {
  BackendPool pool = pool_of(2, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 1);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}, BackendId{1}}) == -1);
}

TEST_CASE("a client that has come back to its backend moves only when that can't be reached") {
  BackendPool pool = pool_of(3, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 1); // a 503, say
  CHECK(chosen(pool, client(1), kStart) == 0);
  pool.unreachable(BackendId{0}, kStart);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 2);
  pool.reachable(BackendId{0}, kStart);
  CHECK(chosen(pool, client(1), kStart) == 2);
  CHECK(chosen(pool, client(1), kStart, {BackendId{2}}) != 2);
  CHECK(chosen(pool, client(1), kStart) == 2);
}

TEST_CASE("a backend that can't be reached is left alone, for longer each time, up to a limit") {
  BackendPool pool = pool_of(2, kRoundRobin, kNone);
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
  pool.reachable(BackendId{0}, kStart);
  pool.unreachable(BackendId{0}, now);
  CHECK_FALSE(pool.status(BackendId{0}, now + BackendPool::kFirstBackOff).in_back_off);
}

TEST_CASE("failures of one moment count once") {
  BackendPool pool = pool_of(1, kRoundRobin, kNone);
  for (int i = 0; i < 20; ++i) pool.unreachable(BackendId{0}, kStart);
  CHECK_FALSE(pool.status(BackendId{0}, kStart + BackendPool::kFirstBackOff).in_back_off);
}

TEST_CASE("when all rest, the one whose rest ends first is tried rather than none") {
  BackendPool pool = pool_of(2, kRoundRobin, kByAddress);
  pool.unreachable(BackendId{0}, kStart);
  pool.unreachable(BackendId{1}, kStart + 1ms);
  CHECK(chosen(pool, client(1), kStart + 2ms) == 0);
}

TEST_CASE("least connections chooses the backend with the fewest exchanges") {
  BackendPool pool = pool_of(3, BackendPool::Policy::least_connections, kNone);
  pool.exchange_begun(BackendId{0});
  pool.exchange_begun(BackendId{0});
  pool.exchange_begun(BackendId{1});
  CHECK(chosen(pool, client(1), kStart) == 2);
  pool.exchange_begun(BackendId{2});
  pool.exchange_begun(BackendId{2});
  CHECK(chosen(pool, client(1), kStart) == 1);
  pool.exchange_ended(BackendId{0}, BackendPool::Outcome::answered, kStart);
  pool.exchange_ended(BackendId{0}, BackendPool::Outcome::answered, kStart);
  CHECK(chosen(pool, client(1), kStart) == 0);
}

TEST_CASE("client hash spreads clients, and moves only those of the backend that rests") {
  BackendPool pool = pool_of(4, BackendPool::Policy::client_hash, kNone);
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
  BackendPool pool = pool_of(2, kRoundRobin, kByAddress);
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

TEST_CASE("weights are shares of new clients, and turns mix") {
  BackendPool pool(BackendPool::Rules{});
  pool.add({.key = BackendKey{1}, .weight = 4}, kStart);
  pool.add({.key = BackendKey{2}, .weight = 1}, kStart);
  std::vector<int> turns;
  for (int i = 0; i < 10; ++i) turns.push_back(chosen(pool, client(i), kStart));
  CHECK(turns == std::vector<int>{0, 0, 1, 0, 0, 0, 0, 1, 0, 0});
}

TEST_CASE("least connections counts by weight, and equals take turns") {
  BackendPool::Rules rules;
  rules.policy = BackendPool::Policy::least_connections;
  BackendPool pool(rules);
  const BackendId big = pool.add({.key = BackendKey{1}, .weight = 3}, kStart);
  const BackendId small = pool.add({.key = BackendKey{2}, .weight = 1}, kStart);
  for (int i = 0; i < 2; ++i) pool.exchange_begun(big);
  pool.exchange_begun(small);
  CHECK(chosen(pool, client(1), kStart) == 0); // 2/3 against 1/1
  pool.exchange_begun(big);
  std::set<int> seen;
  for (int i = 0; i < 8; ++i) seen.insert(chosen(pool, client(1), kStart)); // 3/3 and 1/1
  CHECK(seen == std::set<int>{0, 1});
}

TEST_CASE("a backend in maintenance keeps its clients and gets no new ones") {
  BackendPool pool = pool_of(2, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(2), kStart) == 1);
  CHECK(pool.checked(BackendId{0}, CheckResult::maintenance, kStart));
  CHECK(chosen(pool, client(1), kStart) == 0);
  for (int i = 10; i < 20; ++i) CHECK(chosen(pool, client(i), kStart) == 1);
  CHECK(pool.checked(BackendId{0}, CheckResult::passed, kStart) == false); // one is not enough
  CHECK(pool.checked(BackendId{0}, CheckResult::passed, kStart));
  CHECK(chosen(pool, client(20), kStart) == 0);
}

TEST_CASE("when all are in maintenance, a new client gets one rather than none") {
  BackendPool pool = pool_of(2, kRoundRobin, kNone);
  pool.checked(BackendId{0}, CheckResult::maintenance, kStart);
  pool.checked(BackendId{1}, CheckResult::maintenance, kStart);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart, {BackendId{0}}) == 1);
}

TEST_CASE(
    "a backend that fails its checks loses its clients, and comes back after `rise` good ones") {
  BackendPool pool = pool_of(2, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK_FALSE(pool.checked(BackendId{0}, CheckResult::passed, kStart));
  CHECK_FALSE(pool.checked(BackendId{0}, CheckResult::failed, kStart));
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(pool.checked(BackendId{0}, CheckResult::failed, kStart));
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK_FALSE(pool.checked(BackendId{0}, CheckResult::passed, kStart));
  CHECK_FALSE(pool.checked(BackendId{0}, CheckResult::failed, kStart)); // from the beginning
  CHECK_FALSE(pool.checked(BackendId{0}, CheckResult::passed, kStart));
  CHECK(pool.checked(BackendId{0}, CheckResult::passed, kStart));
  CHECK(chosen(pool, client(2), kStart) + chosen(pool, client(3), kStart) == 1); // each has one
}

TEST_CASE("the first check of all is believed, whatever it says") {
  BackendPool pool = pool_of(2, kRoundRobin, kNone);
  CHECK(pool.checked(BackendId{0}, CheckResult::failed, kStart));
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart) == 1);
}

TEST_CASE("when all are down, one that rests is tried before one that failed its checks") {
  BackendPool pool = pool_of(2, kRoundRobin, kNone);
  pool.checked(BackendId{0}, CheckResult::failed, kStart);
  pool.unreachable(BackendId{1}, kStart);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart, {BackendId{1}}) == 0);
}

TEST_CASE("a slow start gives a backend that has come back a growing share") {
  BackendPool::Rules rules;
  rules.slow_start = 10s;
  BackendPool pool(rules);
  pool.add({.key = BackendKey{1}}, kStart);
  pool.add({.key = BackendKey{2}}, kStart);
  pool.unreachable(BackendId{0}, kStart);
  pool.reachable(BackendId{0}, kStart + 1s);
  const auto share = [&](core::TimePoint now) {
    int first = 0;
    for (int i = 0; i < 100; ++i) first += chosen(pool, client(i), now) == 0 ? 1 : 0;
    return first;
  };
  CHECK(share(kStart + 1s) <= 2);
  const int half = share(kStart + 6s);
  CHECK(half >= 30);
  CHECK(half <= 36); // half the weight of the other: a third
  CHECK(share(kStart + 11s) == 50);
}

TEST_CASE("a backup serves only while none of the others can") {
  BackendPool pool(BackendPool::Rules{});
  pool.add({.key = BackendKey{1}, .priority = 1}, kStart);
  pool.add({.key = BackendKey{2}, .priority = 0}, kStart);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(chosen(pool, client(1), kStart, {BackendId{1}}) == 0);
  pool.unreachable(BackendId{1}, kStart);
  CHECK(chosen(pool, client(1), kStart) == 0);
}

TEST_CASE("a backend that breaks off one exchange after another rests") {
  BackendPool pool = pool_of(2, kRoundRobin, kNone);
  using Outcome = BackendPool::Outcome;
  const auto exchange = [&](Outcome outcome) {
    pool.exchange_begun(BackendId{0});
    return pool.exchange_ended(BackendId{0}, outcome, kStart);
  };
  for (unsigned i = 1; i < BackendPool::kBrokenInARow; ++i) CHECK_FALSE(exchange(Outcome::broken));
  CHECK_FALSE(exchange(Outcome::answered)); // and all is forgotten
  for (unsigned i = 1; i < BackendPool::kBrokenInARow; ++i) CHECK_FALSE(exchange(Outcome::broken));
  CHECK_FALSE(exchange(Outcome::unknown)); // says nothing
  CHECK_FALSE(pool.status(BackendId{0}, kStart).in_back_off);
  CHECK(exchange(Outcome::broken));
  CHECK(pool.status(BackendId{0}, kStart).in_back_off);
}

TEST_CASE(
    "a backend that is removed gets nothing new, and its place is used again when it is free") {
  BackendPool pool = pool_of(2, kRoundRobin, kByAddress);
  CHECK(chosen(pool, client(1), kStart) == 0);
  CHECK(chosen(pool, client(1), kStart) == 0);
  pool.exchange_begun(BackendId{0});
  pool.remove(BackendId{0});
  CHECK_FALSE(pool.is_member(BackendId{0}));
  CHECK(chosen(pool, client(1), kStart) == 1);
  CHECK(pool.add({.key = BackendKey{7}}, kStart) == BackendId{2}); // 0 still has an exchange
  pool.exchange_ended(BackendId{0}, BackendPool::Outcome::answered, kStart);
  chosen(pool, client(9), kStart);
  CHECK(pool.add({.key = BackendKey{8}}, kStart) == BackendId{0});
  CHECK(pool.status(BackendId{0}, kStart).exchanges == 0);
}

TEST_CASE("a client of a removed backend is nobody's client at the place's next holder") {
  BackendPool pool = pool_of(1, kRoundRobin, kByAddress);
  chosen(pool, client(1), kStart);
  CHECK(pool.clients() == 1);
  pool.remove(BackendId{0});
  CHECK(chosen(pool, client(1), kStart) == -1);
  pool.add({.key = BackendKey{8}}, kStart);
  CHECK(pool.clients() == 0);
}

TEST_CASE("a client's cookie names its backend, as long as that serves at all") {
  BackendPool pool = pool_of(3, kRoundRobin, BackendPool::Affinity::cookie);
  const auto with = [&](unsigned key, std::vector<BackendId> tried = {}) {
    return static_cast<int>(*pool.choose(client(1), tried, static_cast<BackendKey>(key), kStart));
  };
  CHECK(with(2) == 2);
  CHECK(with(2) == 2);
  CHECK(with(2, {BackendId{2}}) == 0);
  CHECK(with(99) == 1); // nobody's
  pool.checked(BackendId{2}, CheckResult::maintenance, kStart);
  CHECK(with(2) == 2);
  pool.unreachable(BackendId{2}, kStart);
  CHECK(with(2) != 2);
  CHECK(pool.clients() == 0);
}

TEST_CASE("what is known of backends and clients goes along to a pool with other places") {
  BackendPool before = pool_of(3, kRoundRobin, kByAddress);
  CHECK(chosen(before, client(1), kStart) == 0);
  CHECK(chosen(before, client(2), kStart) == 1);
  before.unreachable(BackendId{2}, kStart);
  before.checked(BackendId{1}, CheckResult::maintenance, kStart);

  BackendPool::Rules rules;
  rules.affinity = kByAddress;
  BackendPool after(rules);
  for (const int key : {7, 2, 1, 0}) after.add({.key = static_cast<BackendKey>(key)}, kStart);
  after.adopt(before.state());
  CHECK(chosen(after, client(1), kStart + 1ms) == 3);
  CHECK(chosen(after, client(2), kStart + 1ms) == 2); // in maintenance it keeps its clients
  CHECK(after.status(BackendId{1}, kStart + 1ms).in_back_off);
  CHECK_FALSE(after.status(BackendId{1}, kStart + BackendPool::kFirstBackOff).in_back_off);
  CHECK(after.status(BackendId{2}, kStart).health == BackendHealth::State::maintenance);
  CHECK(chosen(after, client(3), kStart + 1ms) == 0);

  after.settle(client(4), BackendKey{0}, kStart);
  CHECK(chosen(after, client(4), kStart + 1ms) == 3);
  after.settle(client(5), BackendKey{99}, kStart); // none of ours
  CHECK(after.clients() == 4);
}
