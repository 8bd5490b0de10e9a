#include "rproxyd/http/ranges.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace rproxyd;
using Kind = RequestedRanges::Kind;

namespace {

std::vector<ByteRange> satisfied(std::string_view field, std::uint64_t size) {
  const auto ranges = parse_range(field, size);
  CHECK(ranges.kind == Kind::satisfiable);
  return ranges.ranges;
}

} // namespace

TEST_CASE("RFC 9110 section 14.1.2: first to last, first to the end, and the last so many bytes") {
  CHECK(satisfied("bytes=0-499", 10000) == std::vector<ByteRange>{{0, 500}});
  CHECK(satisfied("bytes=9500-", 10000) == std::vector<ByteRange>{{9500, 500}});
  CHECK(satisfied("bytes=-500", 10000) == std::vector<ByteRange>{{9500, 500}});
  CHECK(satisfied("Bytes=0-0, -1", 10000) == std::vector<ByteRange>{{0, 1}, {9999, 1}});
  SECTION("what goes beyond the end is cut there") {
    CHECK(satisfied("bytes=9500-20000", 10000) == std::vector<ByteRange>{{9500, 500}});
    CHECK(satisfied("bytes=-20000", 10000) == std::vector<ByteRange>{{0, 10000}});
    CHECK(satisfied("bytes=0-0,10000-", 10000) == std::vector<ByteRange>{{0, 1}});
  }
}

TEST_CASE("RFC 9110 section 15.5.17: a range that begins beyond the end can't be satisfied") {
  CHECK(parse_range("bytes=10000-", 10000).kind == Kind::unsatisfiable);
  CHECK(parse_range("bytes=-0", 10000).kind == Kind::unsatisfiable);
  CHECK(parse_range("bytes=0-", 0).kind == Kind::unsatisfiable);
  CHECK(parse_range("bytes=-1", 0).kind == Kind::unsatisfiable);
}

TEST_CASE("a Range that is not understood is ignored") {
  for (const std::string_view odd :
       {"bytes=", "bytes", "bytes=1", "bytes=a-b", "bytes=2-1", "bytes=-", "bytes=1-2-3",
        "bytes=+1-2", "items=0-1", "bytes=0-1,x", "bytes= 0 - 1", "bytes=0-99999999999999999999999",
        ""}) {
    CAPTURE(odd);
    CHECK(parse_range(odd, 100).kind == Kind::ignored);
  }
}

TEST_CASE("RFC 9110 section 14.2: many or overlapping ranges are ignored") {
  std::string most = "bytes=0-0";
  for (std::size_t i = 1; i < kMaxRanges; ++i) most += ",0-0";
  CHECK(satisfied(most, 100).size() == kMaxRanges);
  CHECK(parse_range(most + ",0-0", 100).kind == Kind::ignored);
  CHECK(satisfied("bytes=0-49,50-99", 100).size() == 2);
  CHECK(parse_range("bytes=0-,0-", 100).kind == Kind::ignored);
}
