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

std::string target_of(const RouteTable& table, std::string_view target,
                      std::string_view authority = "a.example.com",
                      std::string_view method = "GET") {
  const auto route = table.match(target, authority, method);
  if (route) return (*route)->target;
  switch (route.error().kind) {
    case RouteRefusal::Kind::not_found:
      return "not found";
    case RouteRefusal::Kind::bad_path:
      return "bad path";
    case RouteRefusal::Kind::bad_method:
      return "only " + route.error().allow;
  }
  return "";
}

} // namespace

TEST_CASE("the route of the contract's example that matches serves") {
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

TEST_CASE("the most specific path serves, wherever it stands") {
  const RouteTable table({route("/", Route::Kind::pool, "all"), route("/a", Route::Kind::pool, "a"),
                          route("/a/b/", Route::Kind::pool, "a/b/"),
                          route("/a/b", Route::Kind::pool, "exact", true),
                          route("/a", Route::Kind::pool, "never")});
  CHECK(target_of(table, "/") == "all");
  CHECK(target_of(table, "/a") == "a");
  CHECK(target_of(table, "/a/c") == "a");
  CHECK(target_of(table, "/a/b") == "exact");
  CHECK(target_of(table, "/a/b/") == "a/b/");
  CHECK(target_of(table, "/a/b/c") == "a/b/");
  CHECK(target_of(table, "/a/bc") == "a");
}

namespace {

Route of_hosts(Route from, std::vector<std::string> hosts) {
  from.hosts = std::move(hosts);
  return from;
}

Route of_methods(Route from, std::vector<std::string> methods) {
  from.methods = std::move(methods);
  return from;
}

} // namespace

TEST_CASE("routes of the host come before those of names below one, and these before the others") {
  const RouteTable table({
      route("/", Route::Kind::pool, "every"),
      route("/deep/path/", Route::Kind::pool, "every deep"),
      of_hosts(route("/", Route::Kind::pool, "below"), {"*.example.com"}),
      of_hosts(route("/", Route::Kind::pool, "far below"), {"*.eu.example.com"}),
      of_hosts(route("/", Route::Kind::pool, "exact"), {"meet.eu.example.com", "[2001:db8::1]"}),
      of_hosts(route("/x/", Route::Kind::pool, "x"), {"only.example.org"}),
  });
  CHECK(target_of(table, "/", "meet.eu.example.com") == "exact");
  CHECK(target_of(table, "/deep/path/", "meet.eu.example.com") == "exact");
  CHECK(target_of(table, "/", "MEET.eu.Example.com.:8443") == "exact");
  CHECK(target_of(table, "/", "[2001:DB8::1]:443") == "exact");
  CHECK(target_of(table, "/", "a.eu.example.com") == "far below");
  CHECK(target_of(table, "/", "a.b.eu.example.com") == "far below");
  CHECK(target_of(table, "/", "eu.example.com") == "below");
  CHECK(target_of(table, "/", "example.com") == "every");
  CHECK(target_of(table, "/deep/path/", "example.net") == "every deep");
  CHECK(target_of(table, "/x/y", "only.example.org") == "x");
  CHECK(target_of(table, "/y", "only.example.org") == "every");
  SECTION("a pattern is no host") {
    CHECK(target_of(table, "/", "*.eu.example.com") == "far below"); // as a name below it
    CHECK(target_of(table, "/", "*") == "every");
    CHECK(target_of(table, "/", "") == "every");
  }
}

TEST_CASE("a route for the method comes before one for all, and others are told what is served") {
  const RouteTable table({route("/a", Route::Kind::pool, "all"),
                          of_methods(route("/a", Route::Kind::pool, "post"), {"POST"}),
                          of_methods(route("/b", Route::Kind::pool, "b"), {"GET"}),
                          of_methods(route("/b", Route::Kind::pool, "put"), {"PUT", "POST"})});
  CHECK(target_of(table, "/a", "h", "POST") == "post");
  CHECK(target_of(table, "/a", "h", "GET") == "all");
  CHECK(target_of(table, "/b", "h", "HEAD") == "b");
  CHECK(target_of(table, "/b", "h", "DELETE") == "only GET, HEAD, PUT, POST");
  CHECK(target_of(table, "/c", "h", "DELETE") == "not found");
}

TEST_CASE("conferencing paths: pools are asked for nothing else; what is one's own is served") {
  const RouteTable table(
      {route("/", Route::Kind::pool, "nodes"), route("/brand/", Route::Kind::folder, "/srv")},
      PathPolicy::conferencing, {"acme"});
  CHECK(target_of(table, "/api/client/v2/status?x") == "nodes");
  CHECK(target_of(table, "/webapp/") == "nodes");
  CHECK(target_of(table, "/acme/x") == "nodes");
  CHECK(target_of(table, "/brand/logo.png") == "/srv");
  CHECK(target_of(table, "/admin/") == "not found");
  SECTION("rule 8: whichever way the path is read") {
    CHECK(target_of(table, "/api/../admin") == "not found");
    CHECK(target_of(table, "/api/%2e%2e/admin") == "not found");
    CHECK(target_of(table, "/%61pi/client/v2/status") == "not found");
    CHECK(target_of(table, "//api/client/v2/status") == "not found");
    CHECK(target_of(table, "/api/..;/admin") == "not found");
  }
}

TEST_CASE(
    "a rewrite puts a path in the place of the route's own, the rest goes on as it was sent") {
  CHECK(rewritten("/a/b%2Fc?x=/a/", "/a/", "/") == "/b%2Fc?x=/a/");
  CHECK(rewritten("/a/b", "/a", "/") == "/b");
  CHECK(rewritten("/a", "/a", "/") == "/");
  CHECK(rewritten("/a?x", "/a", "/new") == "/new?x");
  CHECK(rewritten("/a/", "/a", "/new") == "/new/");
  CHECK(rewritten("/a/b", "/a/", "/new") == "/new/b");
  CHECK(rewritten("/a/b", "/a/", "/new/") == "/new/b");
  CHECK(rewritten("/b", "/", "/new/") == "/new/b");
}

TEST_CASE("rule 8: nothing climbs out of what a rewrite leads to, or becomes a host") {
  CHECK(rewritten("/a/../a/b", "/a/", "/new/") == std::nullopt);
  CHECK(rewritten("/a/%2e%2e/a/b", "/a/", "/new/") == std::nullopt);
  CHECK(rewritten("/a/..;/a/b", "/a/", "/new/") == std::nullopt);
  CHECK(rewritten("/a/%2e%2e/a/b", "/a/", "/") == std::nullopt);
  CHECK(rewritten("/a//evil.example.com/", "/a/", "/") == "/evil.example.com/");
  CHECK(rewritten("/a/b/../c", "/a/", "/new/") == "/new/b/../c");
}

TEST_CASE("what counts is what a server is asked for: conferencing paths and guards see rewrites") {
  Route branded = route("/acme/", Route::Kind::pool, "nodes");
  branded.rewrite = "/";
  const RouteTable table({branded}, PathPolicy::conferencing);
  CHECK(target_of(table, "/acme/api/client/v2/status") == "nodes");
  CHECK(target_of(table, "/acme/admin/") == "not found");
  CHECK(target_of(table, "/acme/api/%2e%2e/admin") == "not found");
  CHECK(target_of(table, "/acme/%2e%2e/acme/x") == "bad path");
  CHECK(table.guarded_target("/acme/api/x?y", "a", "POST") == "/api/x?y");
  CHECK(table.guarded_target("/api/x", "a", "POST") == "/api/x");
  CHECK(RouteTable({route("/", Route::Kind::pool, "nodes")}).guarded_target("/a%2f", "a", "GET") ==
        "/a%2f");
}
