#include "libcore/config/problem.h"

#include <catch2/catch_test_macros.hpp>

using config::Problem;
using config::Problems;
using config::Severity;

namespace {

const Problem kError{Severity::error,
                     {"/etc/vestibule/turnd.json", 12, 18, "/listeners/0/address"},
                     "\"198.51.100.130:99999\" is not a socket address",
                     "\"IP:PORT\""};

Problem at_line(Severity severity, unsigned line) {
  return {severity, {"f", line, 1, ""}, "line " + std::to_string(line), ""};
}

} // namespace

TEST_CASE("a problem is one line: file, line, JSON pointer, what was found, what was expected") {
  CHECK(config::to_string(kError) ==
        "/etc/vestibule/turnd.json:12: /listeners/0/address: \"198.51.100.130:99999\" is not a "
        "socket address; expected \"IP:PORT\"");
}

TEST_CASE("what a problem doesn't have is left out") {
  CHECK(config::to_string({Severity::error, {"f.json", 0, 0, ""}, "cannot be read", ""}) ==
        "f.json: cannot be read");
  CHECK(config::to_string({Severity::error, {"f.json", 3, 1, ""}, "not JSON", ""}) ==
        "f.json:3: not JSON");
}

TEST_CASE("control characters of file names and keys do not reach the terminal") {
  CHECK(config::to_string({Severity::error, {"f\x1b[2J", 1, 1, "/a\nb"}, "x\xff", "\"y\""}) ==
        "f\\u001b[2J:1: /a\\nb: x\\ufffd; expected \"y\"");
}

TEST_CASE("only errors make settings unusable") {
  CHECK_FALSE(config::has_error({}));
  CHECK_FALSE(config::has_error({at_line(Severity::warning, 1)}));
  CHECK(config::has_error({at_line(Severity::warning, 1), at_line(Severity::error, 2)}));
}

TEST_CASE(
    "the report lists errors before warnings, each in the order of the file, and ends with a "
    "verdict") {
  const Problems problems{at_line(Severity::warning, 1), at_line(Severity::error, 9),
                          at_line(Severity::error, 4), at_line(Severity::warning, 0)};
  CHECK(config::report("f", problems) ==
        "error: f:4: line 4\n"
        "error: f:9: line 9\n"
        "warning: f: line 0\n"
        "warning: f:1: line 1\n"
        "f: refused, 2 errors, 2 warnings\n");
  CHECK(config::report("f", {at_line(Severity::error, 1)}) ==
        "error: f:1: line 1\nf: refused, 1 error\n");
  CHECK(config::report("f", {at_line(Severity::warning, 1)}) ==
        "warning: f:1: line 1\nf: can be used, 1 warning\n");
  CHECK(config::report("f", {}) == "f: in order\n");
}
