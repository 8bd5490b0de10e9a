#include "rproxyd/http/fields.h"

#include <catch2/catch_test_macros.hpp>

namespace rproxyd {

TEST_CASE("fields keep their order, their values' case and lower-case names") {
  FieldList fields;
  fields.add("Content-Type", "Text/Plain");
  fields.add("x-a", "1");
  fields.add("X-A", "2");
  REQUIRE(fields.size() == 3);
  CHECK(fields[0].name == "content-type");
  CHECK(fields[0].value == "Text/Plain");
  CHECK(fields.find("x-a") == "1");
  CHECK(fields.count("x-a") == 2);
  CHECK_FALSE(fields.find("x-b"));
}

TEST_CASE("removing a field removes every one of that name and no other") {
  FieldList fields;
  for (const auto* name : {"a", "b", "a", "ab"}) fields.add(name, "v");
  fields.remove("a");
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].name == "b");
  CHECK(fields[1].name == "ab");
}

TEST_CASE("a cleared list is as good as new") {
  FieldList fields;
  fields.add("a", "1");
  fields.clear();
  CHECK(fields.empty());
  fields.add("b", "2");
  CHECK(fields[0].name == "b");
  CHECK(fields[0].value == "2");
}

TEST_CASE(
    "a token is found in any element of any occurrence of a list field, in any case (RFC 9110 "
    "5.6.1)") {
  FieldList fields;
  fields.add("connection", "keep-alive , ,Upgrade");
  fields.add("connection", "x-close");
  CHECK(fields.has_token("connection", "upgrade"));
  CHECK(fields.has_token("connection", "x-close"));
  CHECK(fields.has_token("connection", "keep-alive"));
  CHECK_FALSE(fields.has_token("connection", "close"));
  CHECK_FALSE(fields.has_token("connection", ""));
}

} // namespace rproxyd
