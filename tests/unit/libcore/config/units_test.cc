#include "libcore/config/units.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <optional>

using namespace std::chrono_literals;
using config::parse_duration;
using config::parse_size;

TEST_CASE("durations are whole numbers with a unit") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("300s") == 300s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("2d") == 48h);
  CHECK(parse_duration("0s") == 0s);
  CHECK(parse_duration("0") == 0s);
}

TEST_CASE("anything else is no duration") {
  for (const auto* text : {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5S", "5sec",
                           "5us", "5ns", "0x5s", "1h30m", "5w"}) {
    CHECK(parse_duration(text) == std::nullopt);
  }
}

TEST_CASE("a duration fits in 64 bits of nanoseconds, or is none") {
  CHECK(parse_duration("9223372036s") == 9223372036s);
  CHECK(parse_duration("9223372037s") == std::nullopt);
  CHECK(parse_duration("18446744073709551616ms") == std::nullopt);
}

TEST_CASE("a duration is shown in the largest unit that leaves a whole number") {
  CHECK(config::to_text(0s) == "0");
  CHECK(config::to_text(250ms) == "250ms");
  CHECK(config::to_text(90s) == "90s");
  CHECK(config::to_text(60s) == "1m");
  CHECK(config::to_text(24h) == "1d");
}

TEST_CASE("sizes are whole numbers with a binary unit or none") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("17") == 17);
  CHECK(parse_size("17B") == 17);
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("3MiB") == 3 * 1024 * 1024);
  CHECK(parse_size("1GiB") == 1024 * 1024 * 1024);
  CHECK(parse_size("8589934591GiB") == 8589934591U * (std::uint64_t{1} << 30));
}

TEST_CASE("anything else is no size") {
  for (const auto* text : {"", "KiB", "64KB", "64K", "64kib", "64 KiB", "-1", "1.5MiB",
                           "8589934592GiB", "18446744073709551616"}) {
    CHECK(parse_size(text) == std::nullopt);
  }
}

TEST_CASE("a size is shown in the largest unit that leaves a whole number") {
  CHECK(config::size_to_text(0) == "0");
  CHECK(config::size_to_text(1000) == "1000B");
  CHECK(config::size_to_text(65536) == "64KiB");
}
