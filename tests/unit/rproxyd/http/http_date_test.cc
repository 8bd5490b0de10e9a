#include "rproxyd/http/http_date.h"

#include <catch2/catch_test_macros.hpp>

namespace rproxyd {

TEST_CASE("dates are in the preferred format (RFC 9110 5.6.7)") {
  CHECK(http_date(core::WallTime(std::chrono::seconds(784111777))) ==
        "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(core::WallTime(std::chrono::seconds(0))) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(core::WallTime(std::chrono::seconds(1709251199))) ==
        "Thu, 29 Feb 2024 23:59:59 GMT");
}

} // namespace rproxyd

TEST_CASE("RFC 9110 section 5.6.7: dates are read in three forms") {
  const core::WallTime when{std::chrono::seconds(784111777)};
  const core::WallTime now{std::chrono::seconds(1'700'000'000)};
  CHECK(rproxyd::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now) == when);
  CHECK(rproxyd::parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == when);
  CHECK(rproxyd::parse_http_date("Sun Nov  6 08:49:37 1994", now) == when);
  CHECK(rproxyd::parse_http_date(rproxyd::http_date(now), now) == now);
  SECTION("two digits of a year are at most 50 years ahead") {
    CHECK(rproxyd::parse_http_date("Friday, 01-Jan-73 00:00:00 GMT", now) ==
          rproxyd::parse_http_date("Sun, 01 Jan 2073 00:00:00 GMT", now));
    CHECK(rproxyd::parse_http_date("Friday, 01-Jan-74 00:00:00 GMT", now) ==
          rproxyd::parse_http_date("Tue, 01 Jan 1974 00:00:00 GMT", now));
  }
  SECTION("what is none of them is no date") {
    for (const char* wrong :
         {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 nov 1994 08:49:37 GMT",
          "Xun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT", "784111777"}) {
      CAPTURE(wrong);
      CHECK_FALSE(rproxyd::parse_http_date(wrong, now));
    }
  }
}
