#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/documented_keys.h"
#include "turnd/settings/read.h"

TEST_CASE("docs/configuration.md has every key of turnd.json, and no other") {
  const auto documented = documented_keys(VESTIBULE_CONFIGURATION_PAGE, "turnd.json");
  const auto accepted = accepted_keys(
      turnd::read, {{"", "{@}"},
                    {"listeners[].certificates[].", R"({"listeners": [{"certificates": [{@}]}]})"},
                    {"listeners[].", R"({"listeners": [{@}]})"},
                    {"relay.", R"({"relay": {@}})"},
                    {"peers.", R"({"peers": {@}})"},
                    {"clients.", R"({"clients": {@}})"},
                    {"credentials.", R"({"credentials": {@}})"},
                    {"limits.", R"({"limits": {@}})"},
                    {"alternate.", R"({"alternate": {@}})"},
                    {"log.", R"({"log": {@}})"},
                    {"admin.", R"({"admin": {@}})"}});
  REQUIRE(accepted.size() > 30);
  CHECK(documented == accepted);
}
