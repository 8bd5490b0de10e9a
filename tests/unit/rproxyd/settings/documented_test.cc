#include <catch2/catch_test_macros.hpp>
#include <string>

#include "rproxyd/settings/changes.h"
#include "rproxyd/settings/read.h"
#include "tests/support/documented_keys.h"

TEST_CASE("docs/configuration.md has every key of rproxyd.json, and no other") {
  const auto documented = documented_keys(VESTIBULE_CONFIGURATION_PAGE, "rproxyd.json");
  const auto accepted = accepted_keys(
      rproxyd::read,
      {{"", "{@}"},
       {"listeners[].", R"({"listeners": [{@}]})"},
       {"listeners[].tls.certificates[].", R"({"listeners": [{"tls": {"certificates": [{@}]}}]})"},
       {"listeners[].tls.", R"({"listeners": [{"tls": {@}}]})"},
       {"pools.*.", R"({"pools": {"p": {@}}})"},
       {"pools.*.servers[].", R"({"pools": {"p": {"servers": [{@}]}}})"},
       {"pools.*.tls.", R"({"pools": {"p": {"tls": {@}}}})"},
       {"pools.*.health.", R"({"pools": {"p": {"health": {@}}}})"},
       {"pools.*.retry.", R"({"pools": {"p": {"retry": {@}}}})"},
       {"routes[].", R"({"routes": [{@}]})"},
       {"routes[].answer.", R"({"routes": [{"answer": {@}}]})"},
       {"routes[].ice_servers.", R"({"routes": [{"ice_servers": {@}}]})"},
       {"routes[].ice_servers.servers[].", R"({"routes": [{"ice_servers": {"servers": [{@}]}}]})"},
       {"compression.", R"({"compression": {@}})"},
       {"error_pages.", R"({"error_pages": {@}})"},
       {"pin_guard.", R"({"pin_guard": {@}})"},
       {"pin_guard.redis.", R"({"pin_guard": {"redis": {@}}})"},
       {"pin_guard.room.", R"({"pin_guard": {"room": {@}}})"},
       {"session_tickets.", R"({"session_tickets": {@}})"},
       {"dns.", R"({"dns": {@}})"},
       {"limits.", R"({"limits": {@}})"},
       {"timeouts.", R"({"timeouts": {@}})"},
       {"reload.", R"({"reload": {@}})"},
       {"sandbox.", R"({"sandbox": {@}})"},
       {"log.", R"({"log": {@}})"},
       {"admin.", R"({"admin": {@}})"},
       {"admin.tls.", R"({"admin": {"tls": {@}}})"},
       {"admin.tls.certificates[].", R"({"admin": {"tls": {"certificates": [{@}]}}})"}});
  REQUIRE(accepted.size() > 60);
  CHECK(documented == accepted);
}

TEST_CASE("docs/configuration.md marks what takes a restart, and nothing else") {
  const auto documented = documented_keys(VESTIBULE_CONFIGURATION_PAGE, "rproxyd.json");
  CHECK(documented_for_a_restart(VESTIBULE_CONFIGURATION_PAGE, "rproxyd.json") ==
        keys_within(rproxyd::subjects_for_a_restart(), documented));
}
