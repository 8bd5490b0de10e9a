#include "rproxyd/proxy/status_counts.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

using rproxyd::StatusCounts;

namespace {

std::map<std::string, std::uint64_t> labels(const StatusCounts& counts) {
  std::map<std::string, std::uint64_t> said;
  counts.each([&](std::string_view label, std::uint64_t count) { said.emplace(label, count); });
  return said;
}

} // namespace

TEST_CASE("a status has a count of its own, or its class has one") {
  StatusCounts counts;
  for (const int status : {200, 200, 404, 418, 451, 599, 199}) {
    counts.note(static_cast<std::uint16_t>(status));
  }
  CHECK(labels(counts) == std::map<std::string, std::uint64_t>{
                              {"200", 2}, {"404", 1}, {"4xx", 2}, {"5xx", 1}, {"1xx", 1}});
  CHECK(counts.total() == 7);
  CHECK(counts.of_class(4) == 3);
  CHECK(counts.of_class(5) == 1);
  CHECK(counts.of_class(0) == 0);
  CHECK(counts.of_class(6) == 0);
}

TEST_CASE("whatever nodes answer, there are no more labels than these") {
  STATIC_REQUIRE(std::ranges::is_sorted(StatusCounts::kCodes));
  StatusCounts counts;
  for (unsigned status = 0; status < 65536; ++status) {
    counts.note(static_cast<std::uint16_t>(status));
  }
  CHECK(labels(counts).size() == StatusCounts::kCodes.size() + StatusCounts::kClasses.size());
  CHECK(counts.total() == 65536);
}

TEST_CASE("counts of workers add up") {
  StatusCounts one;
  StatusCounts other;
  one.note(200);
  other.note(200);
  other.note(503);
  one += other;
  CHECK(labels(one) == std::map<std::string, std::uint64_t>{{"200", 2}, {"503", 1}});
}
