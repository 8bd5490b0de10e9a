#include "libcore/config/object_reader.h"

#include <catch2/catch_test_macros.hpp>

#include "libcore/config/parsers.h"
#include "tests/unit/libcore/config/reading_a_text.h"

using config::ObjectReader;

TEST_CASE("a key that is absent leaves its setting as it was, and one that is there changes it") {
  ReadingAText text(R"({"there": 5})");
  ObjectReader object(text.root());
  int there = 1;
  int absent = 2;
  CHECK(object.read("there", there, config::integer(0, 9)));
  CHECK_FALSE(object.read("absent", absent, config::integer(0, 9)));
  object.finish();
  CHECK(there == 5);
  CHECK(absent == 2);
  CHECK(text.lines() == Lines{});
}

TEST_CASE("a value that is wrong leaves its setting as it was") {
  ReadingAText text(R"({"count": 10})");
  int count = 1;
  CHECK_FALSE(ObjectReader(text.root()).read("count", count, config::integer(0, 9)));
  CHECK(count == 1);
}

TEST_CASE("a required key that is absent is a problem of its object") {
  ReadingAText text("{\n\"inner\": {}}");
  ObjectReader object(text.only());
  int count = 0;
  CHECK_FALSE(object.require("count", count, config::integer(0, 9)));
  CHECK(text.lines() == Lines{"/etc/vestibule/t.json:2: /inner: \"count\" is missing"});
}

TEST_CASE("an unknown key is a problem with the nearest known one") {
  ReadingAText text("{\n\"list\": 1,\n\"adress\": 2}");
  ObjectReader object(text.root());
  object.find("list");
  object.find("address");
  object.finish();
  CHECK(text.lines() == Lines{"/etc/vestibule/t.json:3: /adress: unknown key \"adress\" (did you "
                              "mean \"address\"?)"});
}

TEST_CASE("an unknown key that is near to none is a problem with all known ones, each once") {
  ReadingAText text(R"({"zzz": 1})");
  ObjectReader object(text.root());
  object.find("address");
  object.find("tls");
  object.find("address");
  object.finish();
  CHECK(text.lines() == Lines{"/etc/vestibule/t.json:1: /zzz: unknown key \"zzz\"; expected one of "
                              "\"address\", \"tls\""});
}

TEST_CASE("all problems of an object are found in one pass") {
  ReadingAText text(R"({"a": "x", "b": 99, "c": 1})");
  ObjectReader object(text.root());
  int number = 0;
  object.read("a", number, config::integer(0, 9));
  object.read("b", number, config::integer(0, 9));
  object.finish();
  CHECK(text.lines().size() == 3);
}

TEST_CASE("what is not an object is one problem, whatever is asked of it") {
  ReadingAText text(R"({"inner": "hunter2"})");
  ObjectReader object(text.only());
  int number = 0;
  object.require("a", number, config::integer(0, 9));
  object.finish();
  CHECK(text.lines() ==
        Lines{"/etc/vestibule/t.json:1: /inner: a string is not an object; expected { … }"});
}

TEST_CASE("a problem with a key belongs to its value, or to the object when the key is absent") {
  ReadingAText text("{\"inner\": {\n\"a\": 1}}");
  const ObjectReader object(text.only());
  object.place_of("a").error("is wrong");
  object.place_of("b").error("is wrong");
  CHECK(text.lines() == Lines{"/etc/vestibule/t.json:2: /inner/a: is wrong",
                              "/etc/vestibule/t.json:1: /inner: is wrong"});
}
