#include "rproxyd/proxy/path.h"

#include <catch2/catch_test_macros.hpp>

using rproxyd::normalised_path;

TEST_CASE("a path is matched without its query, dots, doubled slashes and parameters") {
  CHECK(normalised_path("/api/client/v2/status?x=/../..") == "/api/client/v2/status");
  CHECK(normalised_path("/") == "/");
  CHECK(normalised_path("//") == "/");
  CHECK(normalised_path("/a//b///c") == "/a/b/c");
  CHECK(normalised_path("/a/./b/.") == "/a/b/");
  CHECK(normalised_path("/a/../b") == "/b");
  CHECK(normalised_path("/a/b/..") == "/a/");
  CHECK(normalised_path("/a/b/") == "/a/b/");
  CHECK(normalised_path("/a;v=1/b;x") == "/a/b");
}

TEST_CASE("rule 8: encodings of a path are decoded for matching") {
  CHECK(normalised_path("/%61pi/cl%69ent") == "/api/client");
  CHECK(normalised_path("/a%2Fb") == "/a/b");
  CHECK(normalised_path("/a/%2e%2E/b") == "/b");
  CHECK(normalised_path("/webapp/..;/api") == "/api");
}

TEST_CASE(
    "rule 8: a path that climbs out, or that servers read differently, has no normalised form") {
  CHECK_FALSE(normalised_path("/.."));
  CHECK_FALSE(normalised_path("/a/../../b"));
  CHECK_FALSE(normalised_path("/%2e%2e/"));
  CHECK_FALSE(normalised_path("/a%00b"));
  CHECK_FALSE(normalised_path("/a%5cb"));
  CHECK_FALSE(normalised_path("/a\\b"));
  CHECK_FALSE(normalised_path("/a%2"));
  CHECK_FALSE(normalised_path("/a%zz"));
  CHECK_FALSE(normalised_path("a"));
  CHECK_FALSE(normalised_path(""));
}
