#include "libcore/base/text.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>

using core::decode_utf8;
using namespace std::string_literals;

namespace {

// The value and the size of the first code point; 0 and 0 for none.
struct First {
  char32_t value = 0;
  std::size_t size = 0;
  bool operator==(const First&) const = default;
};

First first_of(std::string_view text) {
  const auto code = decode_utf8(text);
  return code ? First{code->value, code->size} : First{};
}

std::string escaped(std::string_view text) {
  std::string out;
  core::append_escaped(out, text);
  return out;
}

} // namespace

TEST_CASE("code points are decoded at both ends of each length (RFC 3629 section 3)") {
  CHECK(decode_utf8("\0x"s)->value == 0);
  CHECK(first_of("\x7f") == First{0x7f, 1});
  CHECK(first_of("\xc2\x80") == First{0x80, 2});
  CHECK(first_of("\xdf\xbf") == First{0x7ff, 2});
  CHECK(first_of("\xe0\xa0\x80") == First{0x800, 3});
  CHECK(first_of("\xed\x9f\xbf") == First{0xd7ff, 3});
  CHECK(first_of("\xee\x80\x80") == First{0xe000, 3});
  CHECK(first_of("\xef\xbf\xbf") == First{0xffff, 3});
  CHECK(first_of("\xf0\x90\x80\x80") == First{0x10000, 4});
  CHECK(first_of("\xf4\x8f\xbf\xbf") == First{0x10ffff, 4});
}

TEST_CASE("overlong forms, surrogates, values too large and cut sequences are not UTF-8") {
  for (const auto& wrong :
       {"\xc0\xaf"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xed\xa0\x80"s,
        "\xed\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf8\x88\x80\x80\x80"s, "\x80"s, "\xff"s, "\xc2"s,
        "\xe2\x82"s, "\xf0\x9f\x98"s, "\xc2 "s, "\xe2\x28\xa1"s, ""s}) {
    CHECK_FALSE(decode_utf8(wrong));
  }
}

TEST_CASE("escaped text is what JSON allows between quotes") {
  CHECK(escaped("plain é 漢 😀") == "plain é 漢 😀");
  CHECK(escaped("\"\\") == R"(\"\\)");
  CHECK(escaped("\0\x1f\n\r\t\x7f"s) == R"(\u0000\u001f\n\r\t\u007f)");
}

TEST_CASE(
    "C1 controls, separators of lines and changes of direction are escaped, their neighbours not") {
  CHECK(escaped("\u0080\u009f\u00a0") == "\\u0080\\u009f\u00a0");
  CHECK(escaped("\u2027\u2028\u202e\u202f") == "\u2027\\u2028\\u202e\u202f");
  CHECK(escaped("\u2065\u2066\u2069\u206a") == "\u2065\\u2066\\u2069\u206a");
  CHECK(escaped("\u200d\u200e\u200f\u2010\u061c") == "\u200d\\u200e\\u200f\u2010\\u061c");
}

TEST_CASE("each byte that is not UTF-8 is escaped as the replacement character") {
  CHECK(escaped("a\xe2\x82z\xff") == R"(a\ufffd\ufffdz\ufffd)");
}
