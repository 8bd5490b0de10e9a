#include "libcore/program/span.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using program::span;

TEST_CASE("a span is said in its two largest units") {
  CHECK(span(0s) == "0 s");
  CHECK(span(59s) == "59 s");
  CHECK(span(60s) == "1 m 0 s");
  CHECK(span(3599s) == "59 m 59 s");
  CHECK(span(3600s) == "1 h 0 m");
  CHECK(span(25h + 59min) == "1 d 1 h");
  CHECK(span(-5s) == "0 s");
}
