#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/documented_keys.h"
#include "turnd/settings/changes.h"
#include "turnd/settings/read.h"

TEST_CASE("docs/configuration.md has every key of turnd.json, and no other") {
  const auto documented = documented_keys(VESTIBULE_CONFIGURATION_PAGE, "turnd.json");
  const auto accepted = accepted_keys(
      turnd::read,
      {{"", "{@}"},
       {"listeners[].certificates[].", R"({"listeners": [{"certificates": [{@}]}]})"},
       {"listeners[].", R"({"listeners": [{@}]})"},
       {"relay.", R"({"relay": {@}})"},
       {"peers.", R"({"peers": {@}})"},
       {"clients.", R"({"clients": {@}})"},
       {"credentials.", R"({"credentials": {@}})"},
       {"alternate.", R"({"alternate": {@}})"},
       {"credentials.oauth.", R"({"credentials": {"oauth": {@}}})"},
       {"credentials.oauth.keys[].", R"({"credentials": {"oauth": {"keys": [{@}]}}})"},
       {"limits.", R"({"limits": {@}})"},
       {"reload.", R"({"reload": {@}})"},
       {"sandbox.", R"({"sandbox": {@}})"},
       {"offload.", R"({"offload": {@}})"},
       {"log.", R"({"log": {@}})"},
       {"admin.", R"({"admin": {@}})"},
       {"admin.tls.", R"({"admin": {"tls": {@}}})"},
       {"admin.tls.certificates[].", R"({"admin": {"tls": {"certificates": [{@}]}}})"}});
  REQUIRE(accepted.size() > 30);
  CHECK(documented == accepted);
}

TEST_CASE("docs/configuration.md marks what takes a restart, and nothing else") {
  const auto documented = documented_keys(VESTIBULE_CONFIGURATION_PAGE, "turnd.json");
  CHECK(documented_for_a_restart(VESTIBULE_CONFIGURATION_PAGE, "turnd.json") ==
        keys_within(turnd::subjects_for_a_restart(), documented));
}
