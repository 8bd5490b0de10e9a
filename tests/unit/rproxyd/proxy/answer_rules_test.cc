#include "rproxyd/proxy/answer_rules.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;

namespace {

constexpr std::string_view kDate = "Sun, 01 Mar 2026 12:00:00 GMT";

ResponseHead finished(const AnswerRules& rules, std::uint16_t status = 200, bool secure = true,
                      std::initializer_list<Field> fields = {}) {
  ResponseHead head;
  head.status = status;
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  finish_head(head, rules, secure, kDate);
  return head;
}

} // namespace

TEST_CASE("a Content-Security-Policy is added where the node sent none") {
  const AnswerRules rules{
      .content_security_policy = "default-src 'self'", .hsts = {}, .server = {}};
  CHECK(finished(rules).fields.find("content-security-policy") == "default-src 'self'");
  CHECK(finished(rules, 502).fields.find("content-security-policy") == "default-src 'self'");
  const auto own = finished(rules, 200, true, {{"content-security-policy", "default-src 'none'"}});
  CHECK(own.fields.count("content-security-policy") == 1);
  CHECK(own.fields.find("content-security-policy") == "default-src 'none'");
  CHECK_FALSE(finished(kPlainAnswers).fields.find("content-security-policy"));
}

TEST_CASE("RFC 9111 section 4.3.4: a 304 replaces nothing in the answer that it confirms") {
  const AnswerRules rules{
      .content_security_policy = "default-src 'self'", .hsts = {}, .server = {}};
  CHECK_FALSE(finished(rules, 304).fields.find("content-security-policy"));
}

TEST_CASE("RFC 6797 section 7.2: Strict-Transport-Security is sent over TLS alone") {
  const AnswerRules rules{.content_security_policy = {}, .hsts = "max-age=60", .server = {}};
  CHECK(finished(rules).fields.find("strict-transport-security") == "max-age=60");
  CHECK_FALSE(finished(rules, 200, false).fields.find("strict-transport-security"));
  const auto own = finished(rules, 200, true, {{"strict-transport-security", "max-age=1"}});
  CHECK(own.fields.count("strict-transport-security") == 1);
  CHECK(own.fields.find("strict-transport-security") == "max-age=1");
}

TEST_CASE("a node's Server passes, is removed or replaced") {
  using enum AnswerRules::ServerField;
  const auto server = [](AnswerRules::ServerField what, std::string_view own) {
    const AnswerRules rules{.content_security_policy = {},
                            .hsts = {},
                            .server_field = what,
                            .server = std::string(own)};
    const auto head = finished(rules, 200, true, {{"server", "nginx"}});
    return std::string(head.fields.find("server").value_or("none"));
  };
  CHECK(server(pass, "") == "nginx");
  CHECK(server(remove, "") == "none");
  CHECK(server(replace, "meet") == "meet");
}

TEST_CASE("an error has the page for its status, or a line of text") {
  AnswerRules rules;
  rules.error_pages[404] = {.content_type = "text/html", .body = "<p>gone"};
  const auto page = error_answer(rules, 404, "There is nothing here.");
  CHECK(page.head.status == 404);
  CHECK(page.body == "<p>gone");
  CHECK(page.head.body.length == 7);
  CHECK(page.head.fields.find("content-type") == "text/html");
  CHECK(page.head.fields.find("cache-control") == "no-store");
  CHECK(error_answer(rules, 502, "No.").body == "502 No.\n");
}

TEST_CASE("an error page shows the request's id where it says so, a line of text behind it") {
  AnswerRules rules;
  rules.error_pages[502] = {.content_type = "text/html", .body = "<p>{{reference}} {{reference}}"};
  const auto page = error_answer(rules, 502, "text", "abc");
  CHECK(page.body == "<p>abc abc");
  CHECK(page.head.body.length == page.body.size());
  CHECK(error_answer(rules, 502, "text").body == "<p> ");
  CHECK(error_answer(rules, 404, "Gone.", "abc").body == "404 Gone.\nReference: abc\n");
  CHECK(error_answer(rules, 404, "Gone.").body == "404 Gone.\n");
}
