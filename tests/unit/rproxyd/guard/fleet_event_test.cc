#include "rproxyd/guard/fleet_event.h"

#include <catch2/catch_test_macros.hpp>
#include <limits>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

TEST_CASE("an attempt is the same when a sibling has read it, whatever its room is called") {
  const PinAttempt attempt{.client = *core::IpAddress::parse("2001:db8::7"),
                           .room = "a \"room\"\n\xc3\xa4 {}",
                           .extension = "Board",
                           .carries_pin = true};
  const auto read = read_attempt(write_attempt(attempt, PinGuard::kRoomTally));
  REQUIRE(read);
  CHECK(read->attempt.client == attempt.client);
  CHECK(read->attempt.room == attempt.room);
  CHECK(read->attempt.extension == "Board");
  CHECK(read->attempt.carries_pin);
  CHECK(read->tallies == PinGuard::kRoomTally);
  CHECK_FALSE(read_attempt(R"({"room":"x"})"));
  CHECK_FALSE(read_attempt("nonsense"));
}

TEST_CASE("a ban goes from guard to guard as it is") {
  const Ban ban{.network = *parse_client_network("2001:db8::/56"),
                .until = fleet_time(1'800'000'300'123),
                .since = core::WallTime(1'800'000'000s),
                .offences = 3,
                .tokens_only = true,
                .by_hand = true,
                .room = "demo"};
  const auto read = read_ban(write_ban(ban));
  REQUIRE(read);
  CHECK(read->network == ban.network);
  CHECK(read->until == ban.until);
  CHECK(read->since == ban.since);
  CHECK(read->offences == 3);
  CHECK(read->tokens_only);
  CHECK(read->by_hand);
  CHECK(read->room == "demo");
  CHECK_FALSE(read_ban(R"({"network":"10.0.0.1"})"));
}

TEST_CASE("a line of what was said has its number, time and words") {
  const auto said = read_said("12 1800000000123 end a:7 wrong {\"client\":\"10.0.0.1\"}");
  REQUIRE(said);
  CHECK(said->number == 12);
  CHECK(fleet_time(said->time).time_since_epoch() == 1'800'000'000'123ms);
  CHECK(said->kind == "end");
  CHECK(said->id == "a:7");
  CHECK(said->what == "wrong");
  CHECK(said->payload == R"({"client":"10.0.0.1"})");
  CHECK(read_said("3 5 clear - 0 ")->payload.empty());
  CHECK_FALSE(read_said("x 5 clear - 0 "));
  CHECK_FALSE(read_said("3 5"));
}

TEST_CASE("moments that no clock has are the nearest that one could have") {
  const core::TimePoint last = fleet_time(std::numeric_limits<std::int64_t>::max());
  CHECK(last == fleet_time(4'102'444'800'000));
  CHECK(last + std::chrono::hours(24 * 366 * 50) > last); // without overflow
  CHECK(fleet_time(-1) == core::TimePoint());
  CHECK_FALSE(read_said("12 4102444800001 end a:7 wrong {}"));
  CHECK_FALSE(read_ban(R"({"network":"10.0.0.1","until":4102444800001})"));
}

TEST_CASE("who has entered is told with the door") {
  const auto network = *parse_client_network("203.0.113.7");
  const auto read = read_entrant(write_entrant(network, "a room\nBoard"));
  REQUIRE(read);
  CHECK(read->first == network);
  CHECK(read->second == "a room\nBoard");
}
