#include "libcore/resp/reader.h"

#include <catch2/catch_test_macros.hpp>

#include "libcore/resp/command.h"

using resp::Reader;
using resp::Value;

namespace {

constexpr std::string_view kNested =
    "*5\r\n$3\r\none\r\n*2\r\n:-7\r\n*1\r\n+OK\r\n$-1\r\n-ERR no\r\n*0\r\n";

void check_nested(const Value& value) {
  REQUIRE(value.is_array());
  REQUIRE(value.elements.size() == 5);
  CHECK(value.elements[0].text == "one");
  REQUIRE(value.elements[1].elements.size() == 2);
  CHECK(value.elements[1].elements[0].integer == -7);
  CHECK(value.elements[1].elements[1].elements.at(0).text == "OK");
  CHECK(value.elements[2].kind == Value::Kind::nil);
  CHECK(value.elements[3].kind == Value::Kind::error);
  CHECK(value.elements[3].text == "ERR no");
  CHECK(value.elements[4].elements.empty());
}

} // namespace

TEST_CASE("answers of all kinds are read, whole or byte by byte, several at once") {
  Reader reader;
  REQUIRE(reader.feed(core::bytes_of(std::string(kNested) + ":1\r\n")));
  check_nested(**reader.next());
  CHECK((**reader.next()).integer == 1);
  CHECK_FALSE(reader.next()->has_value());

  for (const char byte : kNested.substr(0, kNested.size() - 1)) {
    REQUIRE(reader.feed(core::bytes_of({&byte, 1})));
    REQUIRE_FALSE(reader.next()->has_value());
  }
  REQUIRE(reader.feed(core::bytes_of("\n")));
  check_nested(**reader.next());
}

TEST_CASE("what is no answer is an error, and what is half of one leaks nothing") {
  for (const std::string_view wrong : {"HTTP/1.1 200 OK\r\n\r\n", "*2\r\n+a\r\n?\r\n", ":x\r\n"}) {
    Reader reader;
    REQUIRE(reader.feed(core::bytes_of(wrong)));
    CHECK_FALSE(reader.next().has_value());
  }
  Reader reader;
  REQUIRE(reader.feed(core::bytes_of("*3\r\n+a\r\n*2\r\n+b\r\n")));
  CHECK_FALSE(reader.next()->has_value());
}

TEST_CASE("a server that announces much and sends nothing costs nothing") {
  Reader reader;
  REQUIRE(reader.feed(core::bytes_of("*2000000000\r\n$500000000\r\n")));
  CHECK_FALSE(reader.next()->has_value());
}

TEST_CASE("a command is an array of strings, whatever is in them") {
  std::string out;
  const std::string_view words[] = {"SET", "a b", std::string_view("\r\n\0", 3), ""};
  resp::append_command(out, words);
  CHECK(out == std::string("*4\r\n$3\r\nSET\r\n$3\r\na b\r\n$3\r\n\r\n\0\r\n$0\r\n\r\n", 37));
}
