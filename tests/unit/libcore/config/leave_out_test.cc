#include "libcore/config/leave_out.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/libcore/config/reading_a_text.h"

namespace {

// The keys that are left of an object, each with its elements or members in brackets.
std::string shape(const config::Node& node) {
  if (node.kind == config::Node::Kind::string) return node.text;
  std::string text;
  for (const auto& element : node.elements) text += "[" + shape(element) + "]";
  for (const auto& member : node.members) text += member.key.text + "(" + shape(member.value) + ")";
  return text;
}

struct Left {
  std::string shape;
  Lines problems;
};

Left left(std::string_view json) {
  ReadingAText text(json);
  text.surroundings.variables = {{"A", "x"}, {"EMPTY", ""}, {"NO", "off"}, {"YES", "on"}};
  config::leave_out(text.document, text.surroundings, text.problems);
  return {shape(text.document.root()), text.lines()};
}

std::string left_of(std::string_view json) {
  const auto result = left(json);
  CHECK(result.problems == Lines{});
  return result.shape;
}

} // namespace

TEST_CASE("a key or an element is left out when it is a variable that may be empty, and is") {
  CHECK(left_of(R"({"a": "${A:-}", "b": "${EMPTY:-}", "c": "${UNSET:-}"})") == "a(${A:-})");
  CHECK(left_of(R"({"a": ["${UNSET:-}", "x", "${EMPTY:-}"]})") == "a([x])");
  CHECK(left_of(R"({"a": {"b": {"c": "${UNSET:-}"}}})") == "a(b())");
}

TEST_CASE("what must be set, has a default, or is more than the variable stays") {
  CHECK(left_of(R"({"a": "${EMPTY}"})") == "a(${EMPTY})");
  CHECK(left_of(R"({"a": "${UNSET:-x}"})") == "a(${UNSET:-x})");
  CHECK(left_of(R"({"a": "${UNSET:?x}"})") == "a(${UNSET:?x})");
  CHECK(left_of(R"({"a": "x${UNSET:-}"})") == "a(x${UNSET:-})");
  CHECK(left_of(R"({"a": "${UNSET:-}${UNSET:-}"})") == "a(${UNSET:-}${UNSET:-})");
  CHECK(left_of(R"({"a": "$${UNSET:-}"})") == "a($${UNSET:-})");
  CHECK(left_of(R"({"a": ""})") == "a()");
}

TEST_CASE("an object with a condition is there while it holds, and then without it") {
  CHECK(left_of(R"({"l": [{"$when": true, "a": "1"}, {"$when": false, "a": "2"}]})") ==
        "l([a(1)])");
  CHECK(left_of(R"({"l": [{"$when": "${YES}", "a": "1"}, {"$when": "${NO}", "a": "2"}]})") ==
        "l([a(1)])");
  CHECK(left_of(R"({"l": [{"$when": "${A:-}", "a": "1"}, {"$when": "${UNSET:-}", "a": "2"}]})") ==
        "l([a(1)])");
  CHECK(left_of(R"({"o": {"$when": "${UNSET:-}", "a": "1"}, "p": {"$when": "${UNSET:-1}"}})") ==
        "p()");
}

TEST_CASE("nothing of an object that is left out has to be right") {
  CHECK(left_of(R"({"l": [{"$when": "${NO}", "a": {"$when": 7}}]})") == "l()");
}

TEST_CASE("a condition that is none is a problem at its place in the file") {
  const auto wrong = left("{\"l\": [\"${UNSET:-}\",\n{\"$when\": \"yes\"}]}");
  CHECK(wrong.shape == "l([])");
  CHECK(wrong.problems ==
        Lines{"/etc/vestibule/t.json:2: /l/1/$when: is no condition; expected true, false, or a "
              "variable: \"${NAME:-}\", which holds unless it is empty or says no"});
  CHECK(left(R"({"l": [{"$when": "${UNSET:?the gate}"}]})").problems ==
        Lines{"/etc/vestibule/t.json:1: /l/0/$when: the environment variable UNSET is not set; "
              "expected the gate"});
}
