#include "libcore/config/load.h"

#include <catch2/catch_test_macros.hpp>

#include "libcore/config/notes.h"
#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "tests/support/given_surroundings.h"

namespace {

struct Settings {
  unsigned count = 7;
  std::vector<std::string> files_read;
};

Settings read(const config::Value& root) {
  Settings settings;
  config::ObjectReader object(root);
  object.read("count", settings.count, config::integer(0U, 9U));
  object.finish();
  return settings;
}

config::Problems review(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  if (settings.count == 1) notes.warning("/count", "one is lonely");
  if (settings.count == 2) notes.error("/count", "two is a crowd");
  if (!notes.is_written("/count")) notes.warning("/count", "is not written");
  return notes.take();
}

auto load(const std::string& text) {
  GivenSurroundings surroundings;
  surroundings.files["f"] = {text, false};
  return config::load<Settings>("f", surroundings, read, review);
}

} // namespace

TEST_CASE("a file that is right gives settings, with the warnings about it") {
  const auto quiet = load(R"({"count": 3})");
  REQUIRE(quiet);
  CHECK(quiet->settings.count == 3);
  CHECK(quiet->warnings.empty());

  const auto warned = load("{\n\"count\": 1}");
  REQUIRE(warned);
  REQUIRE(warned->warnings.size() == 1);
  CHECK(to_string(warned->warnings[0]) == "f:2: /count: one is lonely");
}

TEST_CASE("an error of the reader, of the review or a key that stands twice refuses the file") {
  CHECK(to_string(load(R"({"count": 10})").error().at(0)) ==
        "f:1: /count: 10 is too large; expected a whole number from 0 to 9");
  CHECK(to_string(load(R"({"count": 2})").error().at(0)) == "f:1: /count: two is a crowd");
  CHECK_FALSE(load(R"({"count": 3, "count": 3})"));
}

TEST_CASE("what is null or absent is not written") {
  CHECK(to_string(load("{}")->warnings.at(0)) == "f: /count: is not written");
}

TEST_CASE("a file that can't be read or parsed is refused with that one problem") {
  const GivenSurroundings nothing;
  const auto missing = config::load<Settings>("/etc/f", nothing, read, review);
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error().size() == 1);
  CHECK(to_string(missing.error()[0]) == "/etc/f: cannot be read: No such file or directory");
  CHECK(load("{").error().size() == 1);
}

TEST_CASE("what is left out is left out before the file is read") {
  CHECK(load(R"({"count": "${UNSET:-}"})")->settings.count == 7);
  CHECK(load(R"({"count": 3, "other": {"$when": false}})")->settings.count == 3);
}
