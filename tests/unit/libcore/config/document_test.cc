#include "libcore/config/document.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>
#include <vector>

using config::Document;
using config::Node;
using config::Problems;

namespace {

struct Parsed {
  std::optional<Document> document;
  std::vector<std::string> problems;
};

Parsed parse(std::string_view text) {
  Problems problems;
  Parsed parsed{Document::parse("t.json", text, problems), {}};
  for (const auto& problem : problems) parsed.problems.push_back(to_string(problem));
  return parsed;
}

// "line:column" of the value at the pointer.
std::string where(const Document& document, std::string_view pointer) {
  const auto* node = document.find(pointer);
  return node ? std::to_string(node->line) + ":" + std::to_string(node->column) : "nowhere";
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("every kind of value knows the line and column of its first character") {
  const auto parsed = parse(
      "{\n"
      "  \"null\": null, \"yes\": true,\n"
      "  \"integer\": -12,\n"
      "  \"number\": 1.5e3 ,\n"
      "  \"string\": \"a, b: {c}\",\n"
      "  \"list\": [1,22,\n"
      "    333],\n"
      "  \"object\": {\n"
      "    \"inner\": false\n"
      "  }, \"after\": 1\n"
      "}\n");
  REQUIRE(parsed.problems == Lines{});
  const auto& document = *parsed.document;
  CHECK(where(document, "") == "1:1");
  CHECK(where(document, "/null") == "2:11");
  CHECK(where(document, "/yes") == "2:24");
  CHECK(where(document, "/integer") == "3:14");
  CHECK(where(document, "/number") == "4:13");
  CHECK(where(document, "/string") == "5:13");
  CHECK(where(document, "/list") == "6:11");
  CHECK(where(document, "/list/0") == "6:12");
  CHECK(where(document, "/list/1") == "6:14");
  CHECK(where(document, "/list/2") == "7:5");
  CHECK(where(document, "/object") == "8:13");
  CHECK(where(document, "/object/inner") == "9:14");
  CHECK(where(document, "/after") == "10:15");
}

TEST_CASE("a key knows its own place") {
  const auto parsed = parse("{\n  \"first\": 1,\n\n  \"second\"\n  :\n  2 }");
  const auto& members = parsed.document->root().members;
  REQUIRE(members.size() == 2);
  CHECK(members[1].key.line == 4);
  CHECK(members[1].key.column == 3);
  CHECK(members[1].value.line == 6);
  CHECK(members[1].value.column == 3);
}

TEST_CASE("comments of both kinds count their lines, whatever stands in them") {
  const auto parsed = parse(
      "// { \"no\": 1, \"\n"
      "/* two\n"
      "   lines, [ // */ { // the object\n"
      "  \"a\": 1, // \"b\": 2,\n"
      "  \"url\": \"https://host/*\", /**/ \"c\": /* * / ** */ 3\n"
      "  , \"d\": 44// no space before\n"
      "  , \"e\": 5/* nor here\n"
      "  */}\n"
      "// the end");
  REQUIRE(parsed.problems == Lines{});
  const auto& document = *parsed.document;
  CHECK(where(document, "") == "3:19");
  CHECK(where(document, "/a") == "4:8");
  CHECK(where(document, "/url") == "5:10");
  CHECK(where(document, "/c") == "5:51");
  CHECK(where(document, "/d") == "6:10");
  CHECK(where(document, "/e") == "7:10");
  CHECK(document.find("/url")->text == "https://host/*");
}

TEST_CASE("lines that end with CR LF are counted once") {
  const auto parsed = parse("{\r\n\"a\": 1,\r\n\r\n\"b\": [\r\n2]}\r\n");
  CHECK(where(*parsed.document, "/a") == "2:6");
  CHECK(where(*parsed.document, "/b") == "4:6");
  CHECK(where(*parsed.document, "/b/0") == "5:1");
}

TEST_CASE("a CR alone ends a comment, as it does for the parser, but no line") {
  const auto parsed = parse("// comment \"\r{ // another {\r \"a\": 1}");
  REQUIRE(parsed.problems == Lines{});
  CHECK(where(*parsed.document, "") == "1:14");
  CHECK(where(*parsed.document, "/a") == "1:35");
}

TEST_CASE("escapes in strings move no place after them, and columns count bytes") {
  const auto parsed =
      parse(R"({"a\"\\": "\"}\\", "b": "\u00e9\n/", "c": 1, "é": 2, "d": "\\", "e": 3})");
  REQUIRE(parsed.problems == Lines{});
  CHECK(where(*parsed.document, "/b") == "1:25");
  CHECK(where(*parsed.document, "/c") == "1:43");
  CHECK(where(*parsed.document, "/é") == "1:52");
  CHECK(where(*parsed.document, "/e") == "1:71");
  CHECK(parsed.document->find("/b")->text == "é\n/");
}

TEST_CASE("a byte order mark is passed over") {
  const auto parsed = parse("\xef\xbb\xbf{\"a\": 1}");
  REQUIRE(parsed.problems == Lines{});
  CHECK(where(*parsed.document, "") == "1:1");
  CHECK(where(*parsed.document, "/a") == "1:7");
}

TEST_CASE("numbers: whole ones to the ends of 64 bits, all others as they are written") {
  const auto parsed = parse(
      "[0, -0, 9223372036854775807, -9223372036854775808, 9223372036854775808, 1.0, 1e2, 0.10]");
  const auto& elements = parsed.document->root().elements;
  REQUIRE(elements.size() == 8);
  CHECK(elements[2].kind == Node::Kind::integer);
  CHECK(elements[2].integer == 9223372036854775807);
  CHECK(elements[3].integer == std::numeric_limits<std::int64_t>::min());
  CHECK(elements[4].kind == Node::Kind::number);
  CHECK(elements[4].text == "9223372036854775808");
  CHECK(elements[5].kind == Node::Kind::number);
  CHECK(elements[6].text == "1e2");
  CHECK(elements[7].text == "0.10");
}

TEST_CASE("a key that stands twice is a problem naming both lines, and the first one counts") {
  const auto parsed = parse(
      "{\n"
      "  \"a\": 1,\n"
      "  \"list\": [ {}, {\n"
      "    \"x/y\": 1,\n"
      "    \"x\\/y\": 2 } ],\n"
      "  \"a\": [3]\n"
      "}");
  CHECK(
      parsed.problems ==
      Lines{"t.json:5: /list/1/x~1y: the key stands here for the second time, and first in line "
            "4; expected each key once",
            "t.json:6: /a: the key stands here for the second time, and first in line 2; expected "
            "each key once"});
  REQUIRE(parsed.document);
  CHECK(parsed.document->find("/a")->integer == 1);
}

TEST_CASE("the same key in different objects is no duplicate") {
  CHECK(parse(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})").problems == Lines{});
}

TEST_CASE("nesting is accepted to the limit, and refused one past it") {
  CHECK(parse(nested(Document::kMaxDepth)).document);
  const auto parsed = parse(nested(Document::kMaxDepth + 1));
  CHECK_FALSE(parsed.document);
  CHECK(parsed.problems == Lines{"t.json:1: arrays and objects inside of each other, too deep; "
                                 "expected at most 16 levels"});
}

TEST_CASE("nesting a hundred thousand deep is refused like the first level too many") {
  CHECK_FALSE(parse(std::string(100'000, '[')).document);
}

TEST_CASE("a file is accepted to the limit of its size, and refused one past it") {
  const std::string text = "{}" + std::string(Document::kMaxBytes - 2, ' ');
  CHECK(parse(text).document);
  const auto parsed = parse(text + ' ');
  CHECK_FALSE(parsed.document);
  CHECK(parsed.problems == Lines{"t.json: has 1048577 bytes; expected at most 1048576"});
}

TEST_CASE("a NUL character does not end the file early: it is refused") {
  const auto parsed = parse(std::string_view("{\"a\": 1}\n \0 {", 13));
  CHECK_FALSE(parsed.document);
  CHECK(parsed.problems == Lines{"t.json:2: a NUL character at column 2; expected text in UTF-8"});
}

TEST_CASE("an escaped NUL is refused in values and in keys") {
  CHECK(parse("{\n\"a\": \"x\\u0000y\"}").problems ==
        Lines{"t.json:2: a string holds a NUL character; expected text without \\u0000"});
  CHECK(parse("{\"\\u0000\": 1}").problems ==
        Lines{"t.json:1: a key holds a NUL character; expected text without \\u0000"});
}

TEST_CASE("what is not UTF-8 is refused, in comments too") {
  CHECK(parse("{\"a\":\n \"\xff\"}").problems ==
        Lines{"t.json:2: not UTF-8 at column 3; expected text in UTF-8"});
  CHECK(parse("{} // \xc3").problems ==
        Lines{"t.json:1: not UTF-8 at column 7; expected text in UTF-8"});
  CHECK(parse("\xc0\xaf").problems == // an overlong '/'
        Lines{"t.json:1: not UTF-8 at column 1; expected text in UTF-8"});
}

TEST_CASE("what is not JSON is refused with its line and column") {
  CHECK(
      parse("").problems ==
      Lines{"t.json:1: not JSON at column 1: syntax error while parsing value - unexpected end of "
            "input; expected '[', '{', or a literal"});
  CHECK(parse("{\n  \"a\": 1,\n}").problems ==
        Lines{"t.json:3: not JSON at column 1: syntax error while parsing object key - unexpected "
              "'}'; expected string literal"});
  CHECK(parse("{\"a\": 1}\n]").problems ==
        Lines{"t.json:2: not JSON at column 1: syntax error while parsing value - unexpected ']'; "
              "expected end of input"});
  CHECK(parse("[1e999]").problems ==
        Lines{"t.json:1: not JSON at column 6: number overflow parsing '1e999'"});
}

TEST_CASE("a syntax error shows nothing of the string that it is in: it may be a secret") {
  for (const std::string_view text :
       {"{\"password\": \"hunter2\n\"}", "{\"password\": \"hunter2\\q\"}",
        "{\"password\": \"hunter2", "{\"password\": \"hunter2'; expected hunter2\n\"}",
        "{\"password\": hunter2}", "{\"password\": \"hunter2\\ud800\"}"}) {
    const auto parsed = parse(text);
    REQUIRE(parsed.problems.size() == 1);
    CHECK(parsed.problems[0].starts_with("t.json:1: not JSON at column "));
    CHECK_FALSE(parsed.problems[0].contains("hunt"));
  }
}

TEST_CASE("a JSON pointer finds values by key and by index, with its escapes (RFC 6901)") {
  const auto parsed = parse(R"({"a/b": [{"m~n": "found"}], "": 1, "~1": 2})");
  const auto& document = *parsed.document;
  CHECK(document.find("/a~1b/0/m~0n")->text == "found");
  CHECK(document.find("/")->integer == 1);
  CHECK(document.find("/~01")->integer == 2);
  CHECK(document.find("/a~1b/1") == nullptr);
  CHECK(document.find("/a~1b/x") == nullptr);
  CHECK(document.find("/a~1b/0/m~0n/deeper") == nullptr);
  CHECK(document.find("/missing/deeper") == nullptr);
}

TEST_CASE("pointers are built with the same escapes") {
  CHECK(config::pointer_to("/pools", "a/b~c") == "/pools/a~1b~0c");
  CHECK(config::pointer_to("/list", 12) == "/list/12");
}

TEST_CASE("the place of a value that isn't in the file is the file as a whole") {
  const auto parsed = parse("{\n \"a\": 1}");
  CHECK(parsed.document->place("/a").line == 2);
  CHECK(parsed.document->place("/b").line == 0);
  CHECK(parsed.document->place("/b").pointer == "/b");
}
