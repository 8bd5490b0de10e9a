#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/log/log.h"

using logging::Format;
using logging::Level;
using logging::Line;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

// 2026-03-01T12:34:56.007Z
constexpr Line::Time kTime =
    std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + 12h + 34min + 56s + 7ms;

Line line_of(Format format, std::string_view message = "a message") {
  return {format, kTime, Level::info, "a.test", message};
}

constexpr std::string_view kTextStart = "2026-03-01T12:34:56.007Z info a.test: a message";
constexpr std::string_view kJsonStart =
    R"({"time":"2026-03-01T12:34:56.007Z","level":"info","event":"a.test","message":"a message")";

// What a value looks like in each format.
template <typename T>
std::string in_text(const T& value) {
  auto line = line_of(Format::text);
  line.add("k", value);
  const std::string all(line.finish());
  REQUIRE(all.starts_with(kTextStart));
  REQUIRE(all.ends_with('\n'));
  return all.substr(kTextStart.size(), all.size() - kTextStart.size() - 1);
}
template <typename T>
std::string in_json(const T& value) {
  auto line = line_of(Format::json);
  line.add("k", value);
  const std::string all(line.finish());
  REQUIRE(all.starts_with(kJsonStart));
  REQUIRE(all.ends_with("}\n"));
  return all.substr(kJsonStart.size(), all.size() - kJsonStart.size() - 2);
}

template <typename T>
concept CanBeAField = requires(const T& value) { logging::field("k", value); };
template <typename T>
concept CanBeAdded = requires(Line& line, const T& value) { line.add("k", value); };

} // namespace

static_assert(CanBeAField<std::string>);
static_assert(!CanBeAField<core::Secret>, "secrets are never logged");
static_assert(CanBeAdded<std::string>);
static_assert(!CanBeAdded<core::Secret>, "secrets are never logged");
static_assert(!CanBeAdded<int*>, "a pointer is no truth value");

TEST_CASE("a line has its time in UTC with milliseconds, its level, event and message") {
  CHECK(line_of(Format::text).finish() == std::string(kTextStart) + "\n");
  CHECK(line_of(Format::json).finish() == std::string(kJsonStart) + "}\n");
  Line late(Format::text,
            std::chrono::sys_days{std::chrono::year{1999} / 12 / 31} + 23h + 59min + 59999ms,
            Level::error, "e", "m");
  CHECK(late.finish() == "1999-12-31T23:59:59.999Z error e: m\n");
}

TEST_CASE("numbers and truth values are not quoted") {
  CHECK(in_text(42) == " k=42");
  CHECK(in_json(-42) == R"(,"k":-42)");
  CHECK(in_json(std::numeric_limits<std::uint64_t>::max()) == R"(,"k":18446744073709551615)");
  CHECK(in_json(std::numeric_limits<std::int64_t>::min()) == R"(,"k":-9223372036854775808)");
  CHECK(in_text(std::uint8_t{7}) == " k=7");
  CHECK(in_json(true) == R"(,"k":true)");
  CHECK(in_text(false) == " k=false");
  CHECK(in_json(0.25) == R"(,"k":0.25)");
}

TEST_CASE("a number that JSON doesn't have is null") {
  CHECK(in_json(std::numeric_limits<double>::infinity()) == R"(,"k":null)");
  CHECK(in_json(std::numeric_limits<double>::quiet_NaN()) == R"(,"k":null)");
}

TEST_CASE("durations are in seconds") {
  CHECK(in_text(1500ms) == " k=1.5");
  CHECK(in_json(std::chrono::nanoseconds(2500)) == R"(,"k":2.5e-06)");
  CHECK(in_json(1h) == R"(,"k":3600)");
}

TEST_CASE("what can say what it is does, and errors say their text") {
  CHECK(in_text(*core::SocketAddress::parse("[2001:db8::1]:443")) == " k=[2001:db8::1]:443");
  CHECK(in_json(core::IpAddress::v4(10, 0, 0, 1)) == R"(,"k":"10.0.0.1")");
  CHECK(in_text(core::Error{"no route"}) == R"( k="no route")");
}

TEST_CASE("text stands bare only when it can't be mistaken for something else") {
  CHECK(in_text("plain/value:1") == " k=plain/value:1");
  CHECK(in_text("") == R"( k="")");
  CHECK(in_text("two words") == R"( k="two words")");
  CHECK(in_text("a=b") == R"( k="a=b")");
  CHECK(in_text("say \"hi\"") == R"( k="say \"hi\"")");
  CHECK(in_text("back\\slash") == R"( k="back\\slash")");
  CHECK(in_text("é") == R"( k="é")");
  CHECK(in_json("plain") == R"(,"k":"plain")");
}

TEST_CASE("a value can't end its line, nor reach the terminal, nor hide what it is") {
  const auto evil = "a\n2026 error fake: \r\t\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\0z"s;
  const std::string harmless =
      "\"a\\n2026 error fake: \\r\\t\\u001b[2J\\u007f\\u009b\\u202e\\u0000z\"";
  CHECK(in_text(evil) == " k=" + harmless);
  CHECK(in_json(evil) == ",\"k\":" + harmless);
}

TEST_CASE("what is not UTF-8 is shown as replaced, each byte of it") {
  CHECK(in_json("a\xff\xc3") == R"(,"k":"a\ufffd\ufffd")");
  CHECK(in_text("\xed\xa0\x80") == R"( k="\ufffd\ufffd\ufffd")"); // a surrogate
}

TEST_CASE("a message is escaped too, and quoted when it could be taken for fields") {
  auto evil = line_of(Format::text, "x\ny");
  CHECK(evil.finish() == "2026-03-01T12:34:56.007Z info a.test: x\\ny\n");
  auto fields = line_of(Format::text, "x level=error");
  CHECK(fields.finish() == "2026-03-01T12:34:56.007Z info a.test: \"x level=error\"\n");
}

TEST_CASE("a value is written whole to its limit, and cut one byte past it") {
  const std::string longest(Line::kValueLimit, 'x');
  CHECK(in_text(longest) == " k=" + longest);
  CHECK(in_text(longest + "y") == " k=" + longest + " truncated=true");
  CHECK(in_json(longest) == ",\"k\":\"" + longest + "\"");
  CHECK(in_json(longest + "y") == ",\"k\":\"" + longest + "\",\"truncated\":true");
}

TEST_CASE("a value is cut between two characters and never inside of an escape") {
  const std::string before(Line::kValueLimit - 3, ' ');
  CHECK(in_json(before + "\x1b!") == ",\"k\":\"" + before + "\",\"truncated\":true");
  CHECK(in_json(before + "😀!") == ",\"k\":\"" + before + "\",\"truncated\":true");
  CHECK(in_json(before + "é!") == ",\"k\":\"" + before + "é!\"");
}

TEST_CASE("a line never gets longer than its limit, and stays whole") {
  for (const auto format : {Format::text, Format::json}) {
    auto line = line_of(format, std::string(5000, '\n'));
    for (int i = 0; i < 20; ++i) {
      line.add("value", std::string(static_cast<std::size_t>(i) * 97, '\x01'));
      line.add("number", i);
    }
    const auto all = line.finish();
    CHECK(all.size() <= Line::kLimit);
    CHECK(all.size() > Line::kLimit - 256); // short fields still find room
    CHECK(all.ends_with(format == Format::json ? ",\"truncated\":true}\n" : " truncated=true\n"));
    CHECK(std::ranges::count(all, '\n') == 1);
  }
}
