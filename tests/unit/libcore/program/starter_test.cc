#include "libcore/program/starter.h"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

TEST_CASE(
    "a starter starts its own program with the arguments that it was made with, again and again") {
  // This test's program lists its tests and ends.
  const program::Starter starter("test-starter", {"--list-reporters"});
  CHECK(starter.program() == std::filesystem::read_symlink("/proc/self/exe"));
  const auto first = starter.start();
  REQUIRE(first);
  const auto second = starter.start();
  REQUIRE(second);
  CHECK(*first > 1);
  CHECK(*first != *second);
}
