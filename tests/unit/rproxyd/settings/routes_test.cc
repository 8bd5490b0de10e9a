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

TEST_CASE(
    "a route leads to exactly one of a pool, a folder, a redirect, a fixed answer and ICE "
    "servers") {
  CHECK(problems_with_routes(R"({ "path": "/x" })") ==
        Lines{"error: /routes/0: the route leads nowhere; expected one of \"pool\", \"static\", "
              "\"redirect\", \"answer\" and \"ice_servers\""});
  CHECK(problems_with_routes(R"({ "path": "/x", "pool": "nodes", "redirect": "/y" })") ==
        Lines{"error: /routes/0: the route leads to several places; expected one of \"pool\", "
              "\"static\", \"redirect\", \"answer\" and \"ice_servers\""});
}

TEST_CASE("ice_servers: who is asked about whom, and what is told") {
  const auto with = [](const std::string& rest, const std::string& route = R"("exact": true)") {
    return R"({ "path": "/ice", )" + route + R"(, "ice_servers": { "pool": "nodes", )" + rest +
           " } }";
  };
  const std::string usable = R"("check": "/whoami", "secret": "s",
                                "servers": [{ "urls": ["turn:one.example.com"] }])";
  CHECK(problems_with_routes(with(usable)) == Lines{});
  CHECK(problems_with_routes(with(usable, R"("exact": false)")).size() == 1);
  CHECK(problems_with_routes(with(R"("check": "/whoami", "secret": "s", "servers": [])")).size() ==
        1);
  CHECK(problems_with_routes(with(R"("check": "/whoami",
            "servers": [{ "urls": ["turn:one.example.com"] }])"))
            .size() == 1);
  CHECK(problems_with_routes(with(R"("check": "/a*b", "secret": "s",
            "servers": [{ "urls": ["http://one.example.com"] }], "origins": ["meet.example.com"])"))
            .size() == 3);
  CHECK(problems_with_routes(R"({ "path": "/ice/", "ice_servers": { "pool": "other",
            "check": "/a/*/b", "secret": "s", "servers": [{ "urls": ["turns:x"] }] } })")
            .size() == 1);
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
  CHECK(with("/a%20b", R"("%")"));
  CHECK(problems_with_routes(R"({ "path": "/a b", "pool": "nodes" })").size() == 1);
  CHECK(problems_with_routes(R"({ "path": "/é", "pool": "nodes" })").size() == 1);
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

TEST_CASE("a route that is never reached is pointed out: the most specific one serves") {
  const auto second = [](const std::string& first, const std::string& later) {
    return problems_with({{"routes", R"([{ "pool": "nodes", )" + first +
                                         R"( }, { "pool": "nodes", )" + later + " }]"}});
  };
  const Lines never{"warning: /routes/1: is never reached: route 0 serves all of it"};
  CHECK(second(R"("path": "/a")", R"("path": "/a")") == never);
  CHECK(second(R"("path": "/a", "exact": true)", R"("path": "/a", "exact": true)") == never);
  CHECK(second(R"("path": "/", "hosts": ["a.b", "*.c"])", R"("path": "/", "hosts": ["*.C"])") ==
        never);
  CHECK(second(R"("path": "/", "methods": ["GET", "POST"])",
               R"("path": "/", "methods": ["HEAD"])") == never);
  SECTION("not one that is more specific, or serves something else besides") {
    CHECK(second(R"("path": "/")", R"("path": "/branding/")") == Lines{});
    CHECK(second(R"("path": "/")", R"("path": "/", "exact": true)") == Lines{});
    CHECK(second(R"("path": "/", "exact": true)", R"("path": "/")") == Lines{});
    CHECK(second(R"("path": "/a/")", R"("path": "/a")") == Lines{});
    CHECK(second(R"("path": "/")", R"("path": "/", "hosts": ["a.b"])") == Lines{});
    CHECK(second(R"("path": "/", "hosts": ["a.b"])", R"("path": "/")") == Lines{});
    CHECK(second(R"("path": "/", "hosts": ["*.b"])", R"("path": "/", "hosts": ["a.b"])") ==
          Lines{});
    CHECK(second(R"("path": "/", "hosts": ["a.b"])", R"("path": "/", "hosts": ["a.b", "c.d"])") ==
          Lines{});
    CHECK(second(R"("path": "/")", R"("path": "/", "methods": ["GET"])") == Lines{});
    CHECK(second(R"("path": "/", "methods": ["GET"])", R"("path": "/")") == Lines{});
  }
}

TEST_CASE(
    "a route's hosts are names or all names below one, and don't tell big letters from small") {
  const auto [settings, problems] = read(
      {{"routes", R"([{ "path": "/", "hosts": ["Meet.Example.com", "*.example.org", "[2001:db8::1]",
                                                    "192.0.2.1"], "pool": "nodes" }])"}});
  CHECK(problems == Lines{});
  CHECK(settings.routes[0].hosts ==
        Lines{"meet.example.com", "*.example.org", "[2001:db8::1]", "192.0.2.1"});
  for (const std::string wrong :
       {"a.example.com:443", "*", "a.*.com", "*example.com", "https://a", "a b", "example.com."}) {
    CHECK(
        problems_with_routes(R"({ "path": "/x", "pool": "nodes", "hosts": [")" + wrong + "\"] }") ==
        Lines{"error: /routes/0/hosts/0: \"" + wrong +
              "\" is not a host; expected a name without a port, such as \"meet.example.com\", or "
              "\"*.example.com\" for all names below"});
  }
}

TEST_CASE("a route's methods are written as they are sent") {
  CHECK(problems_with_routes(
            R"({ "path": "/x", "pool": "nodes", "methods": ["GET", "M-SEARCH"] })") == Lines{});
  for (const std::string wrong : {"get", "CONNECT", "TRACE", "GET POST"}) {
    CHECK(
        problems_with_routes(R"({ "path": "/x", "pool": "nodes", "methods": [")" + wrong + "\"] }")
            .size() == 1);
  }
}

TEST_CASE("a redirect has one of five statuses, 302 unless it is given") {
  const auto [settings, problems] = read({{"routes", R"([{ "path": "/a", "redirect": "/b" },
                           { "path": "/c", "redirect": "/b", "status": 308 },
                           { "path": "/", "pool": "nodes" }])"}});
  CHECK(problems == Lines{});
  CHECK(std::get<Settings::Redirect>(settings.routes[0].target).status == 302);
  CHECK(std::get<Settings::Redirect>(settings.routes[1].target).status == 308);
  CHECK(
      problems_with_routes(R"({ "path": "/x", "redirect": "/y", "status": 304 })") ==
      Lines{"error: /routes/0/status: 304 is not a redirect's status; expected 301, 302, 303, 307 "
            "or 308"});
}

TEST_CASE("a fixed answer has a status, a body and headers") {
  const auto [settings, problems] = read({{"routes", R"([
      { "path": "/robots.txt", "exact": true,
        "answer": { "status": 200, "body": "User-agent: *\nDisallow: /\n", "headers": { "Cache-Control": "no-store" } } },
      { "path": "/gone", "answer": { "status": 410 } },
      { "path": "/", "pool": "nodes" }])"}});
  CHECK(problems == Lines{});
  const auto& answer = std::get<Settings::FixedAnswer>(settings.routes[0].target);
  CHECK(answer.body == "User-agent: *\nDisallow: /\n");
  REQUIRE(answer.headers.size() == 1);
  CHECK(answer.headers[0].name == "cache-control");
  CHECK(answer.headers[0].value == "no-store");
  CHECK(std::get<Settings::FixedAnswer>(settings.routes[1].target).status == 410);

  const auto with = [](const std::string& answer_members) {
    return problems_with_routes(R"({ "path": "/x", "answer": { )" + answer_members + " } }");
  };
  CHECK(with(R"("status": 101)").size() == 1);
  CHECK(with(R"("status": 600)").size() == 1);
  CHECK(with(R"("status": 204, "body": "x")") ==
        Lines{"error: /routes/0/answer/body: an answer with this status has no body"});
  CHECK(
      with(R"("headers": { "Content-Length": "1" })") ==
      Lines{
          "error: /routes/0/answer/headers/Content-Length: \"Content-Length\" is set by the proxy "
          "itself; expected another header field"});
  CHECK(with(R"("headers": { "a b": "1" })").size() == 1);
  CHECK(with(R"("headers": { "a": "1\r\nb: 2" })").size() == 1);
}

TEST_CASE("what means something for one target only is refused beside another") {
  for (const std::string stray :
       {R"("rewrite": "/")", R"("status": 301)", R"("index": [])", R"("fallback": "a")",
        R"("cache_control": "no-store")", R"("types": {})", R"("precompressed": true)"}) {
    CHECK(problems_with_routes(R"({ "path": "/x", "answer": {}, )" + stray + " }").size() == 1);
  }
}

TEST_CASE("a folder's files are named below it, and none that would be refused") {
  const auto [settings, problems] = read({{"routes", R"([
      { "path": "/app/", "static": "/srv/app", "index": ["index.html", "home.htm"], "fallback": "app/index.html",
        "cache_control": "max-age=60", "types": { ".glb": "model/gltf-binary" }, "precompressed": false },
      { "path": "/", "pool": "nodes" }])"}});
  CHECK(problems == Lines{});
  const auto& folder = std::get<Settings::StaticFolder>(settings.routes[0].target);
  CHECK(folder.index == Lines{"index.html", "home.htm"});
  CHECK(folder.fallback == "app/index.html");
  CHECK(folder.cache_control == "max-age=60");
  CHECK(folder.types.at("glb") == "model/gltf-binary");
  CHECK_FALSE(folder.precompressed);
  for (const std::string wrong :
       {R"("fallback": "../x")", R"("fallback": "/x")", R"("fallback": "a/.x")",
        R"("index": ["a/b"])", R"("index": [".x"])", R"("types": { "a/b": "x/y" })",
        R"("types": { "x": "text" })", R"("methods": ["POST"])"}) {
    CHECK(problems_with_routes(R"({ "path": "/x", "static": "/srv", )" + wrong + " }").size() == 1);
  }
}

TEST_CASE("what takes the place of a route's path is a plain path") {
  const auto with = [](const std::string& path) {
    return problems_with_routes(R"({ "path": "/x", "pool": "nodes", "rewrite": ")" + path + "\" }")
        .size();
  };
  CHECK(with("/") == 0);
  CHECK(with("/other/path/") == 0);
  for (const std::string wrong : {"", "x", "//", "/a/../b", "/a?b", "/a%20b", "/a b", "/.."}) {
    CHECK(with(wrong) == 1);
  }
}

TEST_CASE("branding paths are single segments, and mean something on conferencing paths only") {
  CHECK(read({{"paths", "\"conferencing\""}, {"branding_paths", R"(["acme", "Our_own-2"])"}})
            .settings.branding_paths == Lines{"acme", "Our_own-2"});
  CHECK(problems_with({{"branding_paths", R"(["acme"])"}}) ==
        Lines{"warning: /branding_paths: means nothing: every path is open"});
  for (const std::string wrong : {"a/b", "/a", "a.b", ""}) {
    CHECK(problems_with({{"paths", "\"conferencing\""}, {"branding_paths", "[\"" + wrong + "\"]"}})
              .size() == 1);
  }
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
