#include "libcore/config/schema.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "libcore/config/describe.h"
#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

enum class Mood { calm, wild };

// A reader as the daemons have them, with one of each kind.
struct Sample {
  unsigned count = 3;
  core::Duration time = 5s;
  std::uint64_t size = std::uint64_t{64} * 1024;
  std::uint64_t limit = config::kNoLimit;
  Mood mood = Mood::calm;
  bool on = true;
  std::string name;
  std::string off_or_text = "off";
  std::optional<std::string> file;
  std::vector<std::string> names = {"a", "b"};
  core::Secret secret;
  std::map<std::string, unsigned> table;
};

std::optional<std::string> in_full(const config::Value& value) {
  std::string name;
  config::ObjectReader object(value);
  const bool has_name = object.require("name", name, config::text());
  object.finish();
  if (!has_name) return std::nullopt;
  return name;
}

void read_inner(const config::Value& value, Sample& sample) {
  config::ObjectReader object(value);
  object.read("table", sample.table,
              config::map_of(config::named("name", config::text()), config::integer(1U, 9U), 4));
  object.finish();
}

Sample read_sample(const config::Value& root) {
  Sample sample;
  config::ObjectReader object(root);
  object.read("count", sample.count, config::integer(0U, 8U));
  object.read("time", sample.time, config::duration(10ms, 1h));
  object.read("size", sample.size, config::size(std::uint64_t{1} << 20));
  object.read("limit", sample.limit, config::or_none(config::size(std::uint64_t{1} << 20)));
  object.read("mood", sample.mood,
              config::choice<Mood>({{"calm", Mood::calm}, {"wild", Mood::wild}}));
  object.read("on", sample.on, config::boolean);
  object.require("name", sample.name, config::text(16));
  object.read("off_or_text", sample.off_or_text,
              [](const config::Value& value) { return config::text_or_word(value, {"off"}); });
  object.read("file", sample.file, config::nullable(config::path));
  object.read("names", sample.names,
              config::some_of(config::object_or(config::text(), in_full), 8, "name"));
  config::read_secret(object, "secret", "secret_file", sample.secret);
  if (const auto inner = object.find("inner")) read_inner(*inner, sample);
  object.finish();
  return sample;
}

json schema_of(const config::Meanings& meanings = {}, const std::set<std::string>& restart = {}) {
  return json::parse(
      config::json_schema(config::describe(read_sample), "sample.json", meanings, restart));
}

} // namespace

TEST_CASE("A schema has every key that a reader asks for, with its type and its default") {
  const json properties = schema_of()["properties"];
  const auto has = [&](const char* key, const char* type, const json& fallback) {
    INFO(key);
    CHECK(properties[key]["x-type"] == type);
    CHECK(properties[key].value("default", json()) == fallback);
  };
  CHECK(properties.size() == 13);
  has("count", "0 to 8", 3);
  has("time", "duration, 10 ms to 1 h", "5s");
  has("size", "size, to 1 MiB", "64KiB");
  has("limit", "size, to 1 MiB", "0");
  has("mood", "`\"calm\"`, `\"wild\"`", "calm");
  has("on", "boolean", true);
  has("name", "text, to 16 bytes", json());
  has("off_or_text", "`\"off\"`, text", "off");
  has("file", "path", json());
  has("names", "list, 1 to 8, of text or object", json::array({"a", "b"}));
  has("secret", "secret", json());
  has("secret_file", "path", json());
  has("inner", "object", json());
  const json inner = properties["inner"]["anyOf"][0]["properties"];
  CHECK(inner["table"]["x-type"] == "object, to 4, of name to 1 to 9");
  CHECK(inner["table"]["default"] == json::object());
}

TEST_CASE(
    "A schema knows what must be given, what null may replace, and that nothing else may stand") {
  const json schema = schema_of();
  CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema["title"] == "sample.json");
  CHECK(schema["required"] == json::array({"name"}));
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["properties"]["file"]["anyOf"][1] == json{{"type", "null"}});
  const json count = schema["properties"]["count"];
  CHECK(count["anyOf"][0] == json{{"type", "integer"}, {"minimum", 0}, {"maximum", 8}});
}

TEST_CASE("A schema lets variables stand for any value, and takes any object that is left out") {
  const json properties = schema_of()["properties"];
  for (const char* key : {"time", "mood", "count", "on", "names", "inner", "file"}) {
    INFO(key);
    CHECK(properties[key]["anyOf"].back() == json{{"type", "string"}, {"pattern", "\\$\\{"}});
  }
  const json left_out = {{"type", "object"}, {"required", {"$when"}}};
  CHECK(properties["inner"]["anyOf"][1] == left_out);
}

TEST_CASE("A reader that is asked what it takes notes no problem, and reads a file as before") {
  config::Problems problems;
  const auto document = config::Document::parse("f", R"({"name": "n", "mood": "wild"})", problems);
  const config::SystemSurroundings surroundings;
  config::Reading reading{*document, surroundings, problems};
  config::Shape shape;
  read_sample(config::Value::question(reading, shape));
  CHECK(problems.empty());
  CHECK(read_sample(config::Value::root(reading)).mood == Mood::wild);
  CHECK(problems.empty());
}

TEST_CASE("What keys mean comes from the tables of the page, without its links") {
  const auto meanings = config::meanings_of(
      "## a.json\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n"
      "| `x` | boolean | `true` | what [it says](y.md#z), and `[]` |\n| `y.z` | object | `{}` | |\n"
      "## b.json\n| `x` | boolean | none | another |\n",
      "a.json");
  CHECK(meanings == config::Meanings{{"x", "what it says, and `[]`"}});

  const json schema = schema_of({{"count", "how many"}, {"names[].name", "who"}}, {"count"});
  CHECK(schema["properties"]["count"]["description"] == "how many");
  CHECK(schema["properties"]["count"]["x-restart"] == true);
  const json names = schema["properties"]["names"]["anyOf"][0]["items"]["anyOf"];
  CHECK(names[1]["properties"]["name"]["description"] == "who");
}
