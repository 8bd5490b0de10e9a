#include "rproxyd/settings/routes.h"

#include <catch2/catch_test_macros.hpp>
#include <variant>

#include "tests/unit/rproxyd/settings/reading_members.h"

using rproxyd::Settings;

namespace {

// Routes before the last one, which sends everything to the pool.
Lines problems_with_routes(const std::string& routes) {
  return problems_with({{"routes", "[" + routes + R"(, { "path": "/", "pool": "nodes" }])"}});
}

} // namespace

TEST_CASE("a route leads to exactly one of a pool, a folder and a redirect") {
  CHECK(problems_with_routes(R"({ "path": "/x" })") ==
        Lines{"error: /routes/0: the route leads nowhere; expected one of \"pool\", \"static\" and "
              "\"redirect\""});
  CHECK(problems_with_routes(R"({ "path": "/x", "pool": "nodes", "redirect": "/y" })") ==
        Lines{"error: /routes/0: the route leads to several places; expected one of \"pool\", "
              "\"static\" and \"redirect\""});
}

TEST_CASE("a relative folder is taken from the folder of the configuration file") {
  const auto [settings, problems] = read({{"routes", R"([{ "path": "/a/", "static": "branding" },
                                                         { "path": "/", "pool": "nodes" }])"}});
  CHECK(problems == Lines{});
  CHECK(std::get<Settings::StaticFolder>(settings.routes[0].target).folder == "/branding");
}

TEST_CASE("a pool that doesn't exist is an error, with the nearest that does") {
  CHECK(problems_with_routes(R"({ "path": "/x", "pool": "nods" })") ==
        Lines{"error: /routes/0/pool: \"nods\" is not a pool (did you mean \"nodes\"?)"});
  CHECK(problems_with_routes(R"({ "path": "/x", "pool": "elsewhere" })") ==
        Lines{"error: /routes/0/pool: \"elsewhere\" is not a pool; expected one of \"nodes\""});
  CHECK(
      problems_with({{"pools", ""}}) ==
      Lines{
          "error: /routes/0/pool: \"nodes\" is not a pool; expected a name out of \"pools\", which "
          "has none"});
}

TEST_CASE("routes to pools that could not be read have no problem of their own") {
  CHECK(problems_with({{"pools", R"({ "nodes": { "servers": [] , "policy": 1 } })"}}).size() == 2);
  CHECK(problems_with({{"pools", "5"}}) ==
        Lines{"error: /pools: a number is not an object; expected { … }"});
}

TEST_CASE("a pool that no route uses is pointed out") {
  CHECK(problems_with({{"pools", R"({ "nodes": { "servers": ["https://a"] },
                                      "spare": { "servers": ["https://b"] } })"}}) ==
        Lines{"warning: /pools/spare: no route uses this pool"});
}

TEST_CASE("a path starts with a slash") {
  CHECK(problems_with_routes(R"({ "path": "x", "pool": "nodes" })") ==
        Lines{"error: /routes/0/path: \"x\" is not a path of a URL; expected \"/…\""});
  CHECK(problems_with_routes(R"({ "pool": "nodes" })") ==
        Lines{"error: /routes/0: \"path\" is missing"});
}

TEST_CASE("a path that no normalised request has would never match, and is refused") {
  const auto with = [](const std::string& path, const std::string& what) {
    return problems_with_routes(R"({ "path": ")" + path + R"(", "pool": "nodes" })") ==
           Lines{"error: /routes/0/path: \"" + path + "\" would never match a request, with " +
                 what + " in it; expected a plain path"};
  };
  CHECK(with("/a//b", R"("//")"));
  CHECK(with("//", R"("//")"));
  CHECK(with("/a/../b", R"("..")"));
  CHECK(with("/..", R"("..")"));
  CHECK(with("/a/./b", R"(".")"));
  CHECK(with("/a/.", R"(".")"));
  CHECK(with("/a?b", R"("?")"));
  CHECK(with("/a#b", R"("#")"));
  CHECK(with("/a;b", R"(";")"));
  CHECK(problems_with_routes(R"({ "path": "/a\\b", "pool": "nodes" })").size() == 1);
  CHECK(problems_with_routes(R"({ "path": "/a/.well-known/..b/c..", "pool": "nodes" })") ==
        Lines{});
  CHECK(problems_with_routes(R"({ "path": "/a/", "pool": "nodes" })") == Lines{});
}

TEST_CASE("a redirect goes to a path of this site or to a whole URL") {
  const auto with = [](const std::string& location) {
    return problems_with_routes(R"({ "path": "/x", "redirect": ")" + location + "\" }");
  };
  CHECK(with("/webapp/?a=b#c") == Lines{});
  CHECK(with("https://example.com/x") == Lines{});
  CHECK(with("http://example.com") == Lines{});
  for (const std::string wrong :
       {"webapp/", "//example.com/", "javascript:alert(1)", "/web app", "/é"}) {
    CHECK(with(wrong) ==
          Lines{"error: /routes/0/redirect: \"" + wrong +
                "\" is not a place to redirect to; expected a path from the root, such "
                "as \"/webapp/\", or \"https://…\""});
  }
  CHECK(with("/x\\r\\nSet-Cookie: a=b").size() == 1);
}

TEST_CASE("a route without a pool has no WebSocket") {
  CHECK(problems_with_routes(R"({ "path": "/x", "redirect": "/y", "websocket": true })") ==
        Lines{"error: /routes/0/websocket: a route without a pool has no WebSocket"});
  CHECK(problems_with_routes(R"({ "path": "/x", "redirect": "/y", "websocket": false })") ==
        Lines{});
}

TEST_CASE("a route that is never reached is pointed out: the first that matches serves") {
  const auto second = [](const std::string& first, const std::string& later) {
    return problems_with({{"routes", R"([{ "pool": "nodes", )" + first +
                                         R"( }, { "pool": "nodes", )" + later + " }]"}});
  };
  const Lines never{"warning: /routes/1: is never reached: route 0 serves all of it"};
  CHECK(second(R"("path": "/")", R"("path": "/branding/")") == never);
  CHECK(second(R"("path": "/")", R"("path": "/", "exact": true)") == never);
  CHECK(second(R"("path": "/a")", R"("path": "/a/b")") == never);
  CHECK(second(R"("path": "/a", "exact": true)", R"("path": "/a", "exact": true)") == never);
  CHECK(second(R"("path": "/a/")", R"("path": "/a")") == Lines{});
  CHECK(second(R"("path": "/a")", R"("path": "/ab")") == Lines{});
  CHECK(second(R"("path": "/", "exact": true)", R"("path": "/")") == Lines{});
  CHECK(second(R"("path": "/a", "exact": true)", R"("path": "/b", "exact": true)") == Lines{});
}

TEST_CASE("routes may be absent only where nothing but redirects to https is served") {
  const Lines nothing{
      "error: no \"routes\": every request would be answered 404; expected [ { \"path\": \"/\", "
      "\"pool\": \"…\" } ]"};
  CHECK(problems_with({{"routes", ""}}) == nothing);
  CHECK(problems_with({{"routes", "[]"}}) == nothing);
  CHECK(problems_with({{"routes", ""},
                       {"pools", ""},
                       {"listeners",
                        R"([{ "address": "0.0.0.0:80", "redirect_https": true }])"}}) == Lines{});
}

TEST_CASE("routes are accepted to the limit of their number, and refused one past it") {
  std::string list = "[";
  for (std::size_t i = 1; i < rproxyd::kMaxRoutes; ++i) {
    list += R"({ "path": "/)" + std::to_string(i) + R"(", "pool": "nodes" },)";
  }
  const std::string last = R"({ "path": "/", "pool": "nodes" })";
  CHECK(problems_with({{"routes", list + last + "]"}}) == Lines{});
  CHECK(problems_with({{"routes", list + last + "," + last + "]"}}) ==
        Lines{"error: /routes: the list has 1025 elements; expected at most 1024"});
}
