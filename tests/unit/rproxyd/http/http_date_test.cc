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
