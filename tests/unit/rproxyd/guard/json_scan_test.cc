#include "rproxyd/guard/json_scan.h"

#include <catch2/catch_test_macros.hpp>
#include <utility>
#include <vector>

using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

std::vector<std::pair<std::string, std::string>> members_of(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto value = scan_json(text);
  REQUIRE(value);
  for_each_member(*value, [&](const std::string& key, const JsonValue& member) {
    found.emplace_back(key, member.raw);
  });
  return found;
}

std::string text_of(std::string_view json) {
  const auto value = scan_json(json);
  REQUIRE(value);
  return json_text(*value);
}

} // namespace

TEST_CASE("RFC 8259: whatever is JSON is taken, with white space around it") {
  for (const char* text :
       {"{}", "[]", " null ", "\t\r\n true", "false", "0", "-0", "-1.5e+10", "1E5", "0.25", "\"\"",
        "\"\\u0000\\n\\\"\\\\\\/\"", "[1,[2,{\"a\":[]}]]", "{\"a\":1,\"a\":2}", "\"\xc3\xa9\""}) {
    INFO(text);
    CHECK(scan_json(text));
  }
}

TEST_CASE("RFC 8259: whatever is not JSON is refused, however a lenient reader would take it") {
  for (const char* text : {"",          " ",        "{",          "}",
                           "{\"a\"}",   "{\"a\":}", "{\"a\":1,}", "{,}",
                           "[1,]",      "[1 2]",    "01",         "+1",
                           ".5",        "1.",       "1e",         "-",
                           "NaN",       "Infinity", "True",       "'a'",
                           "{a:1}",     "\"\t\"",   "\"\\x41\"",  "\"\\u12g4\"",
                           "\"\\u12",   "\"",       "\"\xff\"",   "\"\xc0\x80\"",
                           "{} {}",     "null x",   "// a\n{}",   "\xef\xbb\xbf{}",
                           "{\"a\":1}}"}) {
    INFO(text);
    CHECK_FALSE(scan_json(text));
  }
  CHECK_FALSE(scan_json(std::string_view("{}\0", 3)));
}

TEST_CASE("nesting is limited") {
  const auto nested = [](unsigned depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
  };
  CHECK(scan_json(nested(kMaxJsonDepth)));
  CHECK_FALSE(scan_json(nested(kMaxJsonDepth + 1)));
  CHECK_FALSE(scan_json(std::string(100'000, '[')));
}

TEST_CASE("members come in order, repeated ones too, keys with their escapes undone") {
  using Members = std::vector<std::pair<std::string, std::string>>;
  CHECK(members_of(R"( {"a" : 1 , "p\u0069n":"x", "a":[ 2 ]} )") ==
        Members{{"a", "1"}, {"pin", "\"x\""}, {"a", "[ 2 ]"}});
  CHECK(members_of("[1, {}]") == Members{{"", "1"}, {"", "{}"}});
  CHECK(members_of("1").empty());
}

TEST_CASE("RFC 8259 section 7: escapes say what they stand for") {
  CHECK(text_of(R"("a\b\f\n\r\t\"\\\/")") == "a\b\f\n\r\t\"\\/");
  CHECK(text_of(R"("\u00e9\u20ac\ud83d\ude00")") == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(text_of(R"("\ud83d")") == "\xef\xbf\xbd");
  CHECK(text_of(R"("\ud83dx\ude00\ud83d\u0041")") ==
        "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd"
        "A");
  CHECK(text_of("1").empty());
}
