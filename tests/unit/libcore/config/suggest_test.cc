#include "libcore/config/suggest.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>

using config::edit_distance;
using config::nearest;

TEST_CASE("the distance counts insertions, deletions, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("adress", "address") == 1);
  CHECK(edit_distance("addresss", "address") == 1);
  CHECK(edit_distance("address", "addrezs") == 1);
  CHECK(edit_distance("addrses", "address") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is suggested while it is near, and none beyond") {
  const std::array<std::string_view, 4> known{"tls", "turn", "address", "redirect_https"};
  CHECK(nearest("adress", known) == "address");
  CHECK(nearest("addreXX", known) == "address");
  CHECK(nearest("addrXXX", known) == std::nullopt);
  CHECK(nearest("redirect_http", known) == "redirect_https");
  CHECK(nearest("redirectXXXXps", known) == "redirect_https");
  CHECK(nearest("redirXXXXXttps", known) == std::nullopt);
  CHECK(nearest("", known) == std::nullopt);
}

TEST_CASE("a short word is not suggested when nothing of it is left") {
  const std::array<std::string_view, 1> known{"ab"};
  CHECK(nearest("xy", known) == std::nullopt);
  CHECK(nearest("ax", known) == "ab");
}

TEST_CASE("of equally near words the first is suggested") {
  const std::array<std::string_view, 2> known{"stun", "turn"};
  CHECK(nearest("tun", known) == "stun");
}

TEST_CASE("a word that was cut short is suggested whole, from three letters on") {
  const std::array<std::string_view, 2> known{"warning", "error"};
  CHECK(nearest("warn", known) == "warning");
  CHECK(nearest("war", known) == "warning");
  CHECK(nearest("wa", known) == std::nullopt);
}

TEST_CASE("no suggestion is looked for when a word is very long") {
  const std::string longest(64, 'a');
  const std::array<std::string_view, 1> known{longest};
  CHECK(nearest(longest.substr(1), known) == longest);
  CHECK(nearest(longest + "a", known) == std::nullopt);
}
