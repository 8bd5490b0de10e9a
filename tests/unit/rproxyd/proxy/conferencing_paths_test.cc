#include "rproxyd/proxy/conferencing_paths.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace rproxyd;

TEST_CASE("conferencing paths are those that the platform's clients use, and configured branding") {
  const std::vector<std::string> branding{"acme"};
  for (const std::string_view open :
       {"/api/client/v2/status", "/api", "/api/client/v2/msexchange_schedulers/1/x", "/webapp",
        "/webapp/", "/webapp2/home", "/webapp3", "/static/logo.png", "/teams/x", "/acme",
        "/acme/a"}) {
    CAPTURE(open);
    CHECK(is_conferencing_path(open, branding));
  }
  for (const std::string_view closed :
       {"/", "/apix", "/API/client", "/webappx", "/webapp2x/", "/admin", "/acme2", "/other/api/",
        "/.well-known/x", "api", "", "*"}) {
    CAPTURE(closed);
    CHECK_FALSE(is_conferencing_path(closed, branding));
  }
  CHECK_FALSE(is_conferencing_path("/acme", {}));
}
