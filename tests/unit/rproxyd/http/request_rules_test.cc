#include "rproxyd/http/request_rules.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

namespace rproxyd {
namespace {

RequestHead with_target(std::string_view method, std::string_view target) {
  RequestHead head;
  head.method = method;
  head.authority = "from-host";
  REQUIRE_FALSE(take_target(head, target));
  return head;
}

} // namespace

TEST_CASE("tokens are what RFC 9110 5.6.2 says") {
  CHECK(is_token("x-A_1!#$%&'*+-.^_`|~"));
  for (const std::string_view bad : {"", "a b", "a:", "a\"", "a(", "a/b", "a\x80", "a\t"})
    CHECK_FALSE(is_token(bad));
  CHECK_FALSE(is_token(std::string_view("a\0", 2)));
}

TEST_CASE("rule 4: an authority is a name or an address, and perhaps a port") {
  const auto* good = GENERATE("example.com", "EXAMPLE.com:443", "a", "10.40.0.10:8443",
                              "[2001:db8::1]", "[::1]:65535", "under_score.example", "x:0");
  CHECK(is_authority(good));
}

TEST_CASE("rule 4: an authority with anything else is not valid") {
  const auto* bad = GENERATE("", ":443", "user@example.com", "example.com:", "example.com:65536",
                             "example.com:443443", "example.com:4a", "example.com/",
                             "example.com?x", "example com", "a,b", "[::1", "[::1]x",
                             "[::1]:", "[10.0.0.1]", "::1", "exa%6dple.com", "a\\b", "a\x01",
                             "caf\xc3\xa9.example", "a:1:2", "[]", "example.com:+1");
  CAPTURE(bad);
  CHECK_FALSE(is_authority(bad));
}

TEST_CASE("rule 8: an origin-form target is kept byte for byte") {
  const auto* target = GENERATE("/", "//", "/a/%2F..;/b//c/../d", "/?", "/a?b=c?d/e", "/%00%zz",
                                "/{a}|b\\c^`\"<>", "/a:b@c");
  CHECK(with_target("GET", target).target == target);
  CHECK(with_target("GET", target).authority == "from-host");
}

TEST_CASE("rule 4: an absolute-form target's authority replaces Host (RFC 9112 3.2.2)") {
  const auto head = with_target("GET", "HTTP://Other.example:81/p?q");
  CHECK(head.authority == "Other.example:81");
  CHECK(head.target == "/p?q");
  CHECK(with_target("GET", "https://other.example").target == "/");
  CHECK(with_target("GET", "https://other.example?q").target == "/?q");
  CHECK(with_target("OPTIONS", "https://other.example").target == "*");
}

TEST_CASE("asterisk-form is for OPTIONS alone (RFC 9112 3.2.4)") {
  CHECK(with_target("OPTIONS", "*").target == "*");
  RequestHead head;
  head.method = "GET";
  CHECK(take_target(head, "*")->status == 400);
}

TEST_CASE("a target that is no path and no http URL is refused") {
  const auto* bad =
      GENERATE("", "a", "example.com:443", "ftp://example.com/", "http:/example.com/", "http://",
               "http:///p", "http://user@example.com/", "http://a b/", "/a b", "/a#b", "/a\tb",
               "/a\x7f", "/caf\xc3\xa9", "http://example.com#f", "http://example.com/#f",
               "http://example.com\\@evil/", "/a\r\nb", "**");
  CAPTURE(bad);
  RequestHead head;
  head.method = "GET";
  const auto refusal = take_target(head, bad);
  REQUIRE(refusal);
  CHECK(refusal->status == 400);
}

TEST_CASE("CONNECT and TRACE are not allowed") {
  CHECK(check_method("CONNECT")->status == 405);
  CHECK(check_method("TRACE")->status == 405);
  CHECK_FALSE(check_method("GET"));
  CHECK_FALSE(check_method("connect"));
}

TEST_CASE("only 100-continue may be expected, and HTTP/1.0 may expect nothing (RFC 9110 10.1.1)") {
  RequestHead head;
  head.body = {BodySize::Kind::length, 3};
  head.fields.add("expect", "100-Continue");
  CHECK_FALSE(take_expect(head));
  CHECK(head.expect_continue);
  CHECK(head.fields.empty());

  head.fields.add("expect", "a pony");
  CHECK(take_expect(head)->status == 417);

  head.clear();
  head.version = Version::http_1_0;
  head.body = {BodySize::Kind::length, 3};
  head.fields.add("expect", "100-continue");
  CHECK_FALSE(take_expect(head));
  CHECK_FALSE(head.expect_continue);
  CHECK(head.fields.empty());

  head.clear();
  head.fields.add("expect", "100-continue");
  CHECK_FALSE(take_expect(head));
  CHECK_FALSE(head.expect_continue); // no body to wait with
}

} // namespace rproxyd
