#include "libcore/stun/opaque_string.h"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/user_keys.h"

namespace {

using stun::opaque_string;
using stun::saslprep;

TEST_CASE("RFC 8265 4.2: printable ASCII is prepared as it stands") {
  std::string all;
  for (char c = 0x20; c < 0x7f; ++c) all.push_back(c);
  CHECK(stun::is_prepared_ascii(all));
  CHECK(opaque_string(all) == all);
  CHECK(saslprep(all) == all);
  for (const char* text : {"", "a\tb", "a\x7f", "\xc3\xa4"})
    CHECK_FALSE(stun::is_prepared_ascii(text));
}

// Table 3 of the RFC, and what the text around it says.
TEST_CASE("RFC 8265 4.3: the examples of OpaqueString") {
  CHECK(opaque_string("correct horse battery staple") == "correct horse battery staple");
  CHECK(opaque_string("Correct Horse Battery Staple") ==
        "Correct Horse Battery Staple"); // case stays
  CHECK(opaque_string("\u03C0\u00DF\u00E5") == "\u03C0\u00DF\u00E5");
  CHECK(opaque_string("Jack of \u2666s") == "Jack of \u2666s");
  CHECK(opaque_string("foo\u1680bar") == "foo bar"); // OGHAM SPACE MARK
  CHECK_FALSE(opaque_string(""));                    // zero length
  CHECK_FALSE(opaque_string("my cat is a \tby"));    // a control
}

TEST_CASE("RFC 8265 4.2.2: NFC, spaces mapped, wide letters kept") {
  CHECK(opaque_string("A\u030A") == "\u00C5");
  CHECK(opaque_string("\u212B") == "\u00C5"); // ANGSTROM SIGN
  CHECK(opaque_string("a\u00A0\u3000b") == "a  b");
  CHECK(opaque_string("\uFF21") == "\uFF21");             // FULLWIDTH A
  CHECK(opaque_string("\u2168\uFB01") == "\u2168\uFB01"); // compatibility characters
}

TEST_CASE("RFC 8264 8: what the FreeformClass disallows") {
  for (const char* text : {"a\u00ADb", "\u200B", "\uFEFF", "\u0007", "\u0085", "\uFFFE", "\uE000",
                           "\u0378", "\u1100", "\u0640", "\u3031", "\u2028"}) {
    CAPTURE(text);
    CHECK_FALSE(opaque_string(text));
  }
  CHECK(opaque_string("\u0915\u094D\u200D\u0937")); // ZERO WIDTH JOINER: contextual
}

TEST_CASE("what isn't UTF-8 is no name and no password") {
  for (const char* text :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80"}) {
    CHECK_FALSE(opaque_string(text));
    CHECK_FALSE(saslprep(text));
  }
}

TEST_CASE("RFC 4013 3: the examples of SASLprep") {
  CHECK(saslprep("I\u00ADX") == "IX");
  CHECK(saslprep("user") == "user");
  CHECK(saslprep("USER") == "USER");
  CHECK(saslprep("\u00AA") == "a");
  CHECK(saslprep("\u2168") == "IX");
  CHECK_FALSE(saslprep("\u0007"));
}

TEST_CASE("RFC 5769 2.4: name and password of the sample are prepared before the key is made") {
  const auto keys = stun::user_keys("\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9", "example.org",
                                    "The\u00ADM\u00AAtr\u2168");
  REQUIRE(keys);
  const auto md5 =
      stun::long_term_key_md5("\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9", "example.org", "TheMatrIX");
  CHECK(std::ranges::equal(keys->md5.bytes(), md5.bytes()));
  CHECK_FALSE(keys->md5_saslprep); // only one preparation takes it
}

TEST_CASE("where the two preparations differ, both keys are kept") {
  const auto keys = stun::user_keys("alice", "example.com", "\uFB01ve");
  REQUIRE(keys);
  const auto opaque = stun::long_term_key_md5("alice", "example.com", "\uFB01ve");
  const auto sasl = stun::long_term_key_md5("alice", "example.com", "five");
  CHECK(std::ranges::equal(keys->md5.bytes(), opaque.bytes()));
  REQUIRE(keys->md5_saslprep);
  CHECK(std::ranges::equal(keys->md5_saslprep->bytes(), sasl.bytes()));
  CHECK_FALSE(stun::user_keys("alice", "example.com", "five")->md5_saslprep);
}

TEST_CASE("what no client can send has no keys") {
  CHECK_FALSE(stun::user_keys("alice", "example.com", ""));
  CHECK_FALSE(stun::user_keys("al\nice", "example.com", "x"));
  CHECK_FALSE(stun::user_keys("alice", "example.com", "\x01"));
}

} // namespace
