#include "turnd/settings/not_yet.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/support/changed_object.h"
#include "tests/support/given_surroundings.h"
#include "turnd/settings/settings.h"

using Lines = std::vector<std::string>;

namespace {

const Members kRight{
    {"realm", R"("example.com")"},
    {"listeners", R"([{ "transport": "udp", "address": "127.0.0.1:0" }])"},
    {"relay", R"({ "addresses": ["127.0.0.1"] })"},
    {"credentials", R"({ "users": { "user": "password" } })"},
};

Lines problems_with(const Members& changes) {
  GivenSurroundings surroundings;
  surroundings.files["f"] = {object_of(kRight, changes), false};
  surroundings.files["/secrets"] = {"one\n", false};
  const auto loaded = turnd::load("f", surroundings);
  return lines_of(loaded ? loaded->warnings : loaded.error());
}

} // namespace

TEST_CASE("a configuration of what turnd serves has no problem") {
  CHECK(problems_with({}) == Lines{});
  CHECK(problems_with({{"credentials", R"({ "shared_secrets": ["x"] })"}}) == Lines{});
  CHECK(problems_with({{"relay", R"({ "addresses": ["127.0.0.1"], "tcp": true })"}}) == Lines{});
  CHECK(problems_with({{"limits", R"({ "bandwidth_per_allocation": "1MiB" })"}}) == Lines{});
}
