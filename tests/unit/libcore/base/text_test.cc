#include "libcore/base/text.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace {

using namespace std::string_literals;

std::string escaped(std::string_view text) {
  std::string out;
  core::append_escaped(out, text);
  return out;
}

TEST_CASE("well-formed UTF-8 is decoded, one code point at a time (RFC 3629)") {
  const auto is = [](std::string_view text, char32_t value, std::size_t size) {
    const auto code = core::decode_utf8(text);
    REQUIRE(code.has_value());
    CHECK(code->value == value);
    CHECK(code->size == size);
  };
  is("a", U'a', 1);
  is("\0"s, 0, 1);
  is("\x7f", 0x7f, 1);
  is("\xc2\x80", 0x80, 2);
  is("\xdf\xbf", 0x7ff, 2);
  is("\xe0\xa0\x80", 0x800, 3);
  is("\xed\x9f\xbf", 0xd7ff, 3);
  is("\xee\x80\x80", 0xe000, 3);
  is("\xef\xbf\xbf", 0xffff, 3);
  is("\xf0\x90\x80\x80", 0x10000, 4);
  is("\xf4\x8f\xbf\xbf", 0x10ffff, 4);
  is("\xc3\xa9tude", 0xe9, 2);
}

TEST_CASE("what is not well-formed is refused (RFC 3629 3 and 4)") {
  for (const std::string& text :
       {""s, "\x80"s, "\xbf"s,                             // nothing, continuations alone
        "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s,         // overlong
        "\xf0\x8f\xbf\xbf"s,                               //
        "\xed\xa0\x80"s, "\xed\xbf\xbf"s,                  // surrogates
        "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s, // above U+10FFFF
        "\xc3"s, "\xe2\x82"s, "\xf0\x9f\x98"s,             // cut short
        "\xc3("s, "\xe2(\xa1"s, "\xf0\x90\x28\xbc"s,       // no continuation
        "\xf8\x88\x80\x80\x80"s}) {
    CHECK_FALSE(core::decode_utf8(text).has_value());
  }
}

TEST_CASE("text is shown as it is, but for what a reader or a parser could be misled by") {
  CHECK(escaped("plain text, b\xc3\xbc"
                "cher, \xf0\x9f\x98\x80") ==
        "plain text, b\xc3\xbc"
        "cher, \xf0\x9f\x98\x80");
  CHECK(escaped("say \"hi\"\\") == "say \\\"hi\\\"\\\\");
  CHECK(escaped("a\nb\r\tc") == "a\\nb\\r\\tc");
  CHECK(escaped("\0\x1b[31m\x7f"s) == "\\u0000\\u001b[31m\\u007f");
  CHECK(escaped("\xc2\x9b") == "\\u009b");     // C1: a terminal's own escape
  CHECK(escaped("\xe2\x80\xa8") == "\\u2028"); // line separator
  CHECK(escaped("\xe2\x80\xae") == "\\u202e"); // right-to-left override
  CHECK(escaped("\xe2\x81\xa6") == "\\u2066"); // isolate
}

TEST_CASE("each byte that is not UTF-8 becomes a replacement character") {
  CHECK(escaped("a\xff\xfe"
                "b") == "a\\ufffd\\ufffdb");
  CHECK(escaped("\xe2\x82") == "\\ufffd\\ufffd");
  CHECK(escaped("\xed\xa0\x80") == "\\ufffd\\ufffd\\ufffd");
}

TEST_CASE("numbers are appended in decimal, with zeros before them where digits are asked for") {
  std::string out = "n=";
  core::append_decimal(out, 0);
  out += ' ';
  core::append_decimal(out, 18446744073709551615U);
  out += ' ';
  core::append_decimal(out, 7, 2);
  out += ' ';
  core::append_decimal(out, 2026, 2);
  CHECK(out == "n=0 18446744073709551615 07 2026");
}

} // namespace
