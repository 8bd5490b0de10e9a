#include "rproxyd/proxy/content_type.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;

TEST_CASE("a file's content type is told by the ending of its name") {
  CHECK(content_type("/a/index.html", {}) == "text/html; charset=utf-8");
  CHECK(content_type("a.min.JS", {}) == "text/javascript; charset=utf-8");
  CHECK(content_type("a.b/c", {}) == "application/octet-stream");
  CHECK(content_type("a.", {}) == "application/octet-stream");
  CHECK(content_type("README", {}) == "application/octet-stream");
  CHECK(content_type("x.woff2", {}) == "font/woff2");
}

TEST_CASE("types of one's own come first") {
  const ContentTypes own{{"js", "application/javascript"}, {"glb", "model/gltf-binary"}};
  CHECK(content_type("x.js", own) == "application/javascript");
  CHECK(content_type("x.GLB", own) == "model/gltf-binary");
  CHECK(content_type("x.css", own) == "text/css; charset=utf-8");
}

TEST_CASE("text is worth compressing, event streams and pictures are not") {
  for (const std::string_view yes :
       {"text/html; charset=utf-8", "Application/JSON", "image/svg+xml",
        "application/manifest+json", "text/javascript", "font/ttf"}) {
    CHECK(is_compressible(yes));
  }
  for (const std::string_view no : {"text/event-stream", "text/event-stream;charset=utf-8",
                                    "image/png", "font/woff2", "application/octet-stream", ""}) {
    CHECK_FALSE(is_compressible(no));
  }
}
