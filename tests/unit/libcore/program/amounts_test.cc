#include "libcore/program/amounts.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using std::chrono::seconds;

TEST_CASE("rates and amounts have three digits at most, and the unit that fits") {
  CHECK(program::bit_rate(0) == "0 bit/s");
  CHECK(program::bit_rate(999) == "999 bit/s");
  CHECK(program::bit_rate(999.6) == "1.0 kbit/s");
  CHECK(program::bit_rate(1'234'000) == "1.2 Mbit/s");
  CHECK(program::bit_rate(9'960'000) == "10 Mbit/s");
  CHECK(program::byte_amount(34'400) == "34 kB");
  CHECK(program::byte_amount(18'446'744'073'709'551'615U) == "18447 PB");
}

TEST_CASE("a time has its two largest units") {
  CHECK(program::time_span(seconds(-3)) == "0 s");
  CHECK(program::time_span(seconds(59)) == "59 s");
  CHECK(program::time_span(seconds(3599)) == "59 min 59 s");
  CHECK(program::time_span(seconds(7500)) == "2 h 5 min");
  CHECK(program::time_span(seconds(86400 * 3 + 3600)) == "3 d 1 h");
}

TEST_CASE("long numbers are grouped") {
  CHECK(program::grouped(0) == "0");
  CHECK(program::grouped(999) == "999");
  CHECK(program::grouped(1000) == "1,000");
  CHECK(program::grouped(1234567) == "1,234,567");
}

} // namespace
