// The file of alternate.loads_file.
#include "turnd/relay/loads_format.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/turn/client.h"

namespace {

using turn_test::address_of;
using turnd::kMaxLoads;
using turnd::kMaxLoadsFileBytes;
using turnd::ServerLoad;
using Loads = std::vector<ServerLoad>;

Loads loads_of(std::string_view text) {
  const auto read = turnd::read_loads(text);
  REQUIRE(read);
  return *read;
}

std::string problem_with(std::string_view text) {
  const auto read = turnd::read_loads(text);
  REQUIRE_FALSE(read);
  CHECK_FALSE(read.error().expected.empty());
  return std::to_string(read.error().line) + ": " + read.error().text;
}

std::string lines_of(std::size_t count) {
  std::string text;
  for (std::size_t i = 1; i <= count; ++i) text += "192.0.2.1:" + std::to_string(i) + " 1\n";
  return text;
}

TEST_CASE("loads: a line a server, blanks and comments between") {
  CHECK(loads_of("# as of noon\n\n192.0.2.1:3478 812\n \t[2001:db8::1]:3478\t0 # the same\r\n") ==
        Loads{{address_of("192.0.2.1:3478"), 812}, {address_of("[2001:db8::1]:3478"), 0}});
  CHECK(loads_of("192.0.2.1:3478 4294967295") == Loads{{address_of("192.0.2.1:3478"), 4294967295}});
  CHECK(loads_of("").empty());
  CHECK(loads_of("#").empty());
}

TEST_CASE("loads: what is wrong is said with its line") {
  const std::string right = "192.0.2.1:3478 812\n";
  CHECK(problem_with(right + "192.0.2.1 812\n") == R"(2: "192.0.2.1" is no address with a port)");
  CHECK(problem_with("turn.example.com:3478 1") ==
        R"(1: "turn.example.com:3478" is no address with a port)");
  CHECK(problem_with("192.0.2.1:0 1") == R"(1: "192.0.2.1:0" is no address with a port)");
  CHECK(problem_with("\n\n192.0.2.1:3478 # 1\n") == "3: the number of allocations is missing");
  for (const char* number : {"-1", "1.5", "x", "1x", "4294967296", "99999999999999999999999"}) {
    CHECK(problem_with(std::string("192.0.2.1:3478 ") + number) ==
          "1: \"" + std::string(number) + "\" is no number of allocations");
  }
  CHECK(problem_with("192.0.2.1:3478 1 2") == R"(1: "2" follows the number)");
  CHECK(problem_with(right + "# again\n" + right) == "3: 192.0.2.1:3478 stands in line 1 already");
  CHECK(problem_with("\x1b[31m\xff") == "1: \"\\u001b[31m\\ufffd\" is no address with a port");
  CHECK(problem_with(std::string(65, 'x')) ==
        "1: \"" + std::string(64, 'x') + "…\" is no address with a port");
}

TEST_CASE("loads: as many as are read, and one more") {
  CHECK(loads_of(lines_of(kMaxLoads)).size() == kMaxLoads);
  CHECK(problem_with(lines_of(kMaxLoads + 1)) == "1025: more servers than are read");
  CHECK(loads_of(std::string(kMaxLoadsFileBytes, '\n')).empty());
  CHECK(problem_with(std::string(kMaxLoadsFileBytes + 1, '\n')) == "0: is 65537 bytes long");
}

} // namespace
