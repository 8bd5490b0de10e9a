#include "libcore/config/expand.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/given_surroundings.h"

namespace {

GivenSurroundings given() {
  GivenSurroundings surroundings;
  surroundings.variables = {{"IP", "10.0.0.1"}, {"_p2", "${IP}"}, {"EMPTY", ""}};
  return surroundings;
}

std::string expanded(std::string_view text) {
  const auto result = config::expand(text, given());
  return result ? *result : "failure: " + result.error().text + "; " + result.error().expected;
}

} // namespace

TEST_CASE("a variable stands for its value, anywhere and several times") {
  CHECK(expanded("${IP}") == "10.0.0.1");
  CHECK(expanded("https://${IP}:8443/${IP}") == "https://10.0.0.1:8443/10.0.0.1");
  CHECK(expanded("a${EMPTY}b") == "ab");
}

TEST_CASE("what a variable holds is not expanded again") { CHECK(expanded("${_p2}") == "${IP}"); }

TEST_CASE("$${ stands for ${, and a $ alone for itself") {
  CHECK(expanded("$${IP}") == "${IP}");
  CHECK(expanded("$5 $ $$ $IP {IP}") == "$5 $ $$ $IP {IP}");
  CHECK(expanded("") == "");
}

TEST_CASE("a variable that is not set is a failure that names it") {
  CHECK(expanded("x${MISSING}") ==
        "failure: the environment variable MISSING is not set; \"${NAME}\" for a variable that is "
        "set, "
        "or \"$${\" for \"${\" itself");
}

TEST_CASE("what can't be the name of a variable is a failure that shows nothing of it") {
  for (const auto* text : {"${", "${IP", "${}", "${1A}", "${a-b}", "${ IP}", "pass${word", "${IP:}",
                           "${IP:=x}", "${IP:+x}", "${:-x}"}) {
    CHECK(expanded(text) ==
          "failure: \"${\" does not begin the name of a variable; \"${NAME}\", "
          "\"${NAME:-DEFAULT}\" or "
          "\"${NAME:?WHAT}\", or \"$${\" for \"${\" itself");
  }
}

TEST_CASE("a default stands for a variable that is not set or is empty, and is not expanded") {
  CHECK(expanded("${IP:-x}") == "10.0.0.1");
  CHECK(expanded("${MISSING:-x}") == "x");
  CHECK(expanded("${EMPTY:-a:-b $IP}") == "a:-b $IP");
  CHECK(expanded("<${MISSING:-}>") == "<>");
}

TEST_CASE("a variable that must not be empty says what is wanted") {
  CHECK(expanded("${IP:?an address}") == "10.0.0.1");
  CHECK(expanded("${EMPTY:?an address}") ==
        "failure: the environment variable EMPTY is empty; an address");
  CHECK(expanded("${MISSING:?an address}") ==
        "failure: the environment variable MISSING is not set; an address");
}

TEST_CASE("only a variable that may be empty, alone, stands for nothing") {
  CHECK(config::stands_for_nothing("${MISSING:-}", given()));
  CHECK(config::stands_for_nothing("${EMPTY:-}", given()));
  for (const auto* text : {"${IP:-}", "${EMPTY}", "${MISSING:-x}", "${MISSING:?x}", "x${MISSING:-}",
                           "${MISSING:-}x", "$${MISSING:-}", "", "${", "${:-}"}) {
    CHECK_FALSE(config::stands_for_nothing(text, given()));
  }
}
