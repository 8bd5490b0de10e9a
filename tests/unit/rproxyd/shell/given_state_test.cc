// What a running rproxyd says of what it knows, as messages (given_state.h).
#include "rproxyd/shell/given_state.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

constexpr core::Now kNow{.steady = core::TimePoint(1000s), .wall = core::WallTime(1'800'000'000s)};

std::optional<GivenState> given(const char* message) {
  GivenState state;
  if (!add(state, nlohmann::json::parse(message), kNow)) return std::nullopt;
  return state;
}

} // namespace

TEST_CASE("failures, rooms and homes are what they were behind a message") {
  GuardState guard;
  const ClientNetwork client = *parse_client_network("203.0.113.7");
  guard.clients.push_back({client, {{.when = kNow.steady, .failures = 3}}});
  guard.rooms.push_back({"demo", {{.when = kNow.steady, .failures = 11}}, kNow.steady + 1s, true});
  PoolState pool;
  pool.clients.push_back({.address = client.base,
                          .backend = static_cast<BackendKey>(7),
                          .seen = kNow.steady,
                          .settled = true});
  GivenState read;
  for (const auto& message : messages_of(guard, kNow)) CHECK(add(read, message, kNow));
  for (const auto& message : messages_of("pool", pool)) CHECK(add(read, message, kNow));
  REQUIRE(read.guard);
  REQUIRE(read.guard->clients.size() == 1);
  CHECK(read.guard->clients.front().network == client);
  CHECK(read.guard->clients.front().failures.front().failures == 3);
  REQUIRE(read.guard->rooms.size() == 1);
  CHECK(read.guard->rooms.front().slow);
  CHECK(read.guard->rooms.front().paced == kNow.steady + 1s);
  REQUIRE(read.pools.size() == 1);
  CHECK(read.pools.front().second.clients.front().backend == static_cast<BackendKey>(7));
}

TEST_CASE("moments that no clock has had, and numbers that are none, are not understood") {
  const auto most = given(
      R"({"what":"guard","part":"client","entries":[["203.0.113.7",[[1000,18446744073709551615]]]]})");
  REQUIRE(most);
  CHECK(most->guard->clients.front().failures.front().failures == 100'000);
  for (const char* moment :
       {"[9223372036854775807,1]", "[-1,1]", "[1e300,1]", "[1.5,1]", "[1000,-1]", "[1000,1e300]"}) {
    CAPTURE(moment);
    const std::string message = R"({"what":"guard","part":"client","entries":[["203.0.113.7",[)" +
                                std::string(moment) + "]]]}";
    CHECK_FALSE(given(message.c_str()));
  }
  CHECK_FALSE(given(
      R"({"what":"pool","pool":"p","part":"node","entries":[[1,0,0,9223372036854775807,0,0,true,0]]})"));
  for (const char* broken : {"4294967296", "9223372036854775807000", "-1", "1.0", "true"}) {
    CAPTURE(broken);
    CHECK_FALSE(given((R"({"what":"pool","pool":"p","part":"node","entries":[[1,)" +
                       std::string(broken) + ",0,0,0,0,true,0]]}")
                          .c_str()));
  }
}

TEST_CASE("a message of another kind is passed over, one of ours with something missing is not") {
  CHECK(given(R"({"what":"something of a later version"})"));
  CHECK_FALSE(given(R"({"what":"pool","pool":"p","part":"home"})"));
  CHECK_FALSE(given(R"({"what":"guard","part":"client","entries":[["no address",[]]]})"));
  CHECK_FALSE(
      given(R"({"what":"pool","pool":"p","part":"node","entries":[[1,0,0,0,0,3,true,0]]})"));
}
