#include "rproxyd/settings/not_yet.h"

#include <catch2/catch_test_macros.hpp>

#include "rproxyd/settings/settings.h"
#include "tests/unit/rproxyd/settings/reading_members.h"

namespace {

Lines loaded_with(const Members& changes) {
  GivenSurroundings surroundings;
  surroundings.files["f"] = {object_of(kRight, changes), false};
  const auto loaded = rproxyd::load("f", surroundings);
  return lines_of(loaded ? loaded->warnings : loaded.error());
}

} // namespace

TEST_CASE("a configuration of what rproxyd serves has no problem") {
  CHECK(loaded_with({}) == Lines{});
  CHECK(loaded_with(
            {{"content_security_policy", "\"off\""}, {"hsts", "\"off\""}, {"pin_guard", "{}"}}) ==
        Lines{});
}

TEST_CASE(
    "what would be less secure, or mean something else, without the missing option is refused") {
  CHECK(loaded_with({{"pin_guard", R"({ "enabled": true, "state": "redis://10.0.0.1/0" })"}}) ==
        Lines{"error: /pin_guard/state: this version keeps bans in a file, which no other machine "
              "shares"});
}
