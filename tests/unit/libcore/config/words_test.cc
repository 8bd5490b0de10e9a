#include "libcore/config/words.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using Words = std::vector<std::string>;

TEST_CASE("commas and white space stand between the elements of a list") {
  CHECK(config::elements_of("a") == Words{"a"});
  CHECK(config::elements_of(" a,b , c\n\td,,") == Words{"a", "b", "c", "d"});
  CHECK(config::elements_of("").empty());
  CHECK(config::elements_of(" ,\n").empty());
}
