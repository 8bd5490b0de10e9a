#include "libcore/admin/page.h"

#include <catch2/catch_test_macros.hpp>
#include <string_view>

TEST_CASE("the page is one file that names no other place") {
  for (const auto* page : {&admin::status_page(), &admin::sign_in_page(admin::SignIn::wrong)}) {
    CHECK(page->html.starts_with("<!DOCTYPE html>"));
    for (const auto* mark :
         {"/* page.css */", "/* page.js */", "<!-- said -->", " src=", "@import"})
      CHECK_FALSE(page->html.contains(mark));
    // Names of XML's vocabularies are no places.
    std::string_view rest = page->html;
    for (auto found = rest.find("://"); found != std::string_view::npos; found = rest.find("://")) {
      rest.remove_prefix(found);
      CHECK(rest.starts_with("://www.w3.org/2000/svg"));
      rest.remove_prefix(3);
    }
  }
}

TEST_CASE("its policy allows its own script and style alone, and no frame") {
  const std::string& policy = admin::status_page().content_security_policy;
  CHECK(policy.starts_with("default-src 'none'; style-src 'sha256-"));
  CHECK(policy.contains("script-src 'sha256-"));
  CHECK(policy.contains("frame-ancestors 'none'"));
  CHECK_FALSE(policy.contains("unsafe"));
  CHECK(admin::sign_in_page(admin::SignIn::first)
            .content_security_policy.contains("script-src 'none'"));
}

TEST_CASE("the form says what went wrong") {
  CHECK(admin::sign_in_page(admin::SignIn::wrong).html.contains("That was not the token."));
  CHECK_FALSE(admin::sign_in_page(admin::SignIn::first).html.contains("That was not the token."));
}
