#include "rproxyd/guard/ban_file.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

const core::Now kNow{.steady = core::TimePoint(1000s), .wall = core::WallTime(1'800'000'000s)};
const core::Now kAfterRestart{.steady = core::TimePoint(5s),
                              .wall = core::WallTime(1'800'000'060s)};

Ban example() {
  return {.network = *parse_client_network("203.0.113.7"),
          .until = core::TimePoint(1300s),
          .since = core::WallTime(1'799'999'990s),
          .offences = 3,
          .tokens_only = true,
          .by_hand = false,
          .room = "a\"\\\n\xc3\xa9"};
}

} // namespace

TEST_CASE("bans mean the same after a restart") {
  const auto read = read_bans(write_bans({example()}, kNow), kAfterRestart, 24h);
  REQUIRE(read);
  REQUIRE(read->size() == 1);
  const Ban& ban = read->front();
  CHECK(ban.network == example().network);
  CHECK(ban.until == core::TimePoint(245s)); // 300 s, of which 60 have passed
  CHECK(ban.since == example().since);
  CHECK(ban.offences == 3);
  CHECK(ban.tokens_only);
  CHECK_FALSE(ban.by_hand);
  CHECK(ban.room == example().room);
}

TEST_CASE("a ban that has ended meanwhile is read as one of the past") {
  core::Now later = kAfterRestart;
  later.wall += 1h;
  const auto read = read_bans(write_bans({example()}, kNow), later, 24h);
  REQUIRE(read);
  CHECK(read->front().until < later.steady);
}

TEST_CASE("no ban lasts longer than the longest, whatever a clock has written") {
  const auto read = read_bans(
      R"({"version": 1, "bans": [{"network": "203.0.113.7", "until": 99999999999}]})", kNow, 24h);
  REQUIRE(read);
  CHECK(read->front().until == kNow.steady + 24h);
}

TEST_CASE("a file without bans is a file") {
  CHECK(read_bans(write_bans({}, kNow), kNow, 24h)->empty());
}

TEST_CASE("a damaged file is told from a good one") {
  const std::string good = write_bans({example()}, kNow);
  for (std::size_t cut = 0; cut + 1 < good.size(); ++cut) { // the last byte is a newline
    INFO(cut);
    CHECK_FALSE(read_bans(good.substr(0, cut), kNow, 24h));
  }
  for (const char* text :
       {"[]", "{}", R"({"version": 2, "bans": []})", R"({"version": 1})",
        R"({"version": 1, "bans": {}})", R"({"version": 1, "bans": [1]})",
        R"({"version": 1, "bans": [{"network": "x", "until": 1}]})",
        R"({"version": 1, "bans": [{"network": "203.0.113.7"}]})",
        R"({"version": 1, "bans": [{"network": "203.0.113.7", "until": 253402300800}]})"}) {
    INFO(text);
    CHECK_FALSE(read_bans(text, kNow, 24h));
  }
}
