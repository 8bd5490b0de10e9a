#include "libcore/config/value.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/unit/libcore/config/reading_a_text.h"

TEST_CASE("a value is shown as it is written, and cut when it is long") {
  CHECK(ReadingAText(R"({"a": "x\"y\n"})").only().shown() == R"("x\"y\n")");
  CHECK(ReadingAText(R"({"a": -1.50})").only().shown() == "-1.50");
  CHECK(ReadingAText(R"({"a": null})").only().shown() == "null");
  CHECK(ReadingAText(R"({"a": true})").only().shown() == "true");
  CHECK(ReadingAText(R"({"a": [1]})").only().shown() == "an array");
  CHECK(ReadingAText(R"({"a": {}})").only().shown() == "an object");
  const std::string longest(80, 'x');
  CHECK(ReadingAText(R"({"a": ")" + longest + R"("})").only().shown() == '"' + longest + '"');
  CHECK(ReadingAText(R"({"a": ")" + longest + R"(x"})").only().shown() == '"' + longest + "…\"");
}

TEST_CASE("a long value is cut between two characters") {
  const std::string text = std::string(79, 'x') + "é";
  CHECK(ReadingAText(R"({"a": ")" + text + R"("})").only().shown() ==
        '"' + std::string(79, 'x') + "…\"");
}

TEST_CASE("a problem shows a variable by its name: what it holds may be a secret") {
  ReadingAText text(R"({"a": "${PASSWORD}!"})");
  text.surroundings.variables["PASSWORD"] = "hunter2";
  CHECK(text.only().text("text") == "hunter2!");
  text.only().refuse("is wrong", "");
  CHECK(text.lines() == Lines{"/etc/vestibule/t.json:1: /a: \"${PASSWORD}!\" is wrong"});
}

TEST_CASE("a variable that is not set is a problem of the value") {
  ReadingAText text(R"({"a": "${PASSWORD}"})");
  CHECK_FALSE(text.only().text("text"));
  CHECK(text.lines() ==
        Lines{"/etc/vestibule/t.json:1: /a: the environment variable PASSWORD is not set; expected "
              "\"${NAME}\" for a variable that is set, or \"$${\" for \"${\" itself"});
}

TEST_CASE("keys are not expanded") {
  ReadingAText text(R"({"${NAME}": 1})");
  CHECK(text.root().key(text.document.root().members[0]).text("text") == "${NAME}");
}

TEST_CASE("problems beyond a limit are not noted") {
  ReadingAText text(R"({"a": 1})");
  for (std::size_t i = 0; i <= config::Reading::kMaxProblems; ++i) text.only().error("again");
  CHECK(text.problems.size() == config::Reading::kMaxProblems);
}
