#include "rproxyd/proxy/routes.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;

namespace {

Route route(std::string path, Route::Kind kind, std::string target, bool exact = false) {
  Route r;
  r.path = std::move(path);
  r.exact = exact;
  r.kind = kind;
  r.target = std::move(target);
  return r;
}

const RouteTable& contract_routes() {
  static const RouteTable table({route("/branding/", Route::Kind::folder, "/srv/branding"),
                                 route("/", Route::Kind::redirect, "/webapp/", true),
                                 route("/", Route::Kind::pool, "conferencing")});
  return table;
}

std::string target_of(const RouteTable& table, std::string_view target) {
  const auto route = table.match(target);
  if (route) return (*route)->target;
  return route.error() == RouteRefusal::not_found ? "not found" : "bad path";
}

} // namespace

TEST_CASE("the first route that matches serves") {
  CHECK(target_of(contract_routes(), "/") == "/webapp/");
  CHECK(target_of(contract_routes(), "/?x") == "/webapp/");
  CHECK(target_of(contract_routes(), "/branding/logo.png") == "/srv/branding");
  CHECK(target_of(contract_routes(), "/brandingx") == "conferencing");
  CHECK(target_of(contract_routes(), "/api/client/v2/status") == "conferencing");
  CHECK(target_of(contract_routes(), "*") == "conferencing");
}

TEST_CASE("a route without a final slash serves its own path and what lies below") {
  const RouteTable table({route("/webapp", Route::Kind::pool, "p")});
  CHECK(target_of(table, "/webapp") == "p");
  CHECK(target_of(table, "/webapp?x") == "p");
  CHECK(target_of(table, "/webapp/a") == "p");
  CHECK(target_of(table, "/webappx") == "not found");
  CHECK(target_of(table, "*") == "p");
}

TEST_CASE("rule 8: a request whose normalised path leaves its route is refused") {
  CHECK(target_of(contract_routes(), "/branding/../api/x") == "bad path");
  CHECK(target_of(contract_routes(), "/branding/%2e%2e/api/x") == "bad path");
  CHECK(target_of(contract_routes(), "/x/..;/branding/a") == "bad path");
  CHECK(target_of(contract_routes(), "/%62randing/a") == "bad path");
  CHECK(target_of(contract_routes(), "//branding/a") == "bad path");
  CHECK(target_of(contract_routes(), "/api/../../x") == "bad path");
}

TEST_CASE("rule 8: an odd path that stays under its route is served as it was sent") {
  CHECK(target_of(contract_routes(), "/api//client/a%2Fb;x=1/") == "conferencing");
  CHECK(target_of(contract_routes(), "/branding/a/../logo.png") == "/srv/branding");
}

TEST_CASE("a server-wide OPTIONS needs a pool") {
  const RouteTable table({route("/", Route::Kind::redirect, "/webapp/")});
  CHECK(target_of(table, "*") == "not found");
}
