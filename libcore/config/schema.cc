#include "libcore/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libcore/config/units.h"

namespace config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kTooLargeToTell = std::int64_t{1} << 40; // bytes

// "${NAME}" may stand for any part of a string, and a string with it for any value. An object with
// "$when" may be left out, whatever else is in it (leave_out.h).
constexpr const char* kVariable = "\\$\\{";
constexpr const char* kDuration = "^[0-9]+(ms|s|m|h|d)?$";
constexpr const char* kSize = "^[0-9]+(B|KiB|MiB|GiB)?$";

Json text_like(std::string_view pattern) { return {{"type", "string"}, {"pattern", pattern}}; }
Json variable() { return text_like(kVariable); }

class Writer {
 public:
  Writer(const Meanings& meanings, const std::set<std::string>& restart)
      : meanings_(meanings), restart_(restart) {}

  Json root(const Shape& shape) const { return object(shape, ""); }

  // `name`: as in the tables.
  Json value(const Shape& shape, const std::string& name) const {
    const Json json = alternatives(shape, name);
    Json said;
    if (const auto meaning = meanings_.find(name);
        meaning != meanings_.end() && !meaning->second.empty())
      said["description"] = meaning->second;
    if (const std::string type = type_of(shape); !type.empty()) said["x-type"] = type;
    if (restart_.contains(name)) said["x-restart"] = true;
    if (shape.fallback) said["default"] = Json::parse(*shape.fallback);
    said.update(json);
    return said;
  }

 private:
  Json alternatives(const Shape& shape, const std::string& name) const {
    Json all = Json::array({alone(shape, name)});
    for (const Shape& other : shape.others) all.push_back(alone(other, name));
    const auto is_object = [](const Shape& each) {
      return each.kind == Shape::Kind::object || each.kind == Shape::Kind::map;
    };
    if (is_object(shape) || std::ranges::any_of(shape.others, is_object))
      all.push_back({{"type", "object"}, {"required", {"$when"}}});
    if (shape.nullable) all.push_back({{"type", "null"}});
    if (shape.kind != Shape::Kind::text || !shape.pattern.empty()) all.push_back(variable());
    if (all.size() == 1) return all.front();
    return {{"anyOf", std::move(all)}};
  }

  Json alone(const Shape& shape, const std::string& name) const {
    switch (shape.kind) {
      case Shape::Kind::anything:
        return Json::object();
      case Shape::Kind::boolean:
        return {{"type", "boolean"}};
      case Shape::Kind::integer:
        if (!shape.numbers.empty()) return {{"enum", shape.numbers}};
        return {{"type", "integer"}, {"minimum", shape.least}, {"maximum", shape.most}};
      case Shape::Kind::duration:
        return text_like(kDuration);
      case Shape::Kind::size:
        return {
            {"anyOf",
             {text_like(kSize), {{"type", "integer"}, {"minimum", 0}, {"maximum", shape.most}}}}};
      case Shape::Kind::text: {
        Json text = shape.pattern.empty() ? Json{{"type", "string"}} : text_like(shape.pattern);
        if (shape.words.empty()) return text;
        return {{"anyOf", {{{"enum", shape.words}}, text}}};
      }
      case Shape::Kind::word:
        return {{"enum", shape.words}};
      case Shape::Kind::list:
        return list(shape, name);
      case Shape::Kind::map:
        return {{"type", "object"},
                {"additionalProperties", value(shape.parts.front(), name + ".*")},
                {"maxProperties", shape.most}};
      case Shape::Kind::object:
        return object(shape, name);
    }
    return {};
  }

  Json list(const Shape& shape, const std::string& name) const {
    Json json{{"type", "array"}, {"items", value(shape.parts.front(), name + "[]")}};
    if (shape.least > 0) json["minItems"] = shape.least;
    json["maxItems"] = shape.most;
    return json;
  }

  Json object(const Shape& shape, const std::string& name) const {
    Json properties = Json::object();
    Json required = Json::array();
    for (const ShapeMember& member : shape.members) {
      const auto full = name.empty() ? member.key : name + "." + member.key;
      Json& property = properties[member.key] = value(member.shape, full);
      if (!member.required) continue;
      required.push_back(member.key);
      property.erase("default");
    }
    Json json{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) json["required"] = std::move(required);
    if (!shape.exactly_one.empty()) {
      json["oneOf"] = Json::array();
      for (const auto& key : shape.exactly_one) json["oneOf"].push_back({{"required", {key}}});
    }
    json["additionalProperties"] = false;
    return json;
  }

  const Meanings& meanings_;
  const std::set<std::string>& restart_;
};

std::string with_space(std::string text) {
  const auto unit = text.find_first_not_of("0123456789");
  if (unit != std::string::npos) text.insert(unit, " ");
  return text;
}

std::string range_of(const Shape& shape) {
  const std::string most = with_space(to_text(shape.longest));
  return shape.shortest == core::Duration::zero()
             ? fmt::format("duration, to {}", most)
             : fmt::format("duration, {} to {}", with_space(to_text(shape.shortest)), most);
}

std::string quoted(const std::vector<std::string>& words) {
  return words.empty() ? "" : fmt::format("`\"{}\"`", fmt::join(words, "\"`, `\""));
}

std::string count_of(const Shape& shape) {
  if (shape.least == shape.most) return fmt::format("{}", shape.most);
  return shape.least == 0 ? fmt::format("to {}", shape.most)
                          : fmt::format("{} to {}", shape.least, shape.most);
}

std::string one_of_many(const Shape& shape) {
  const std::string other = shape.others.empty() ? "" : " or object";
  return type_of(shape) + other;
}

std::string trimmed(std::string_view cell) {
  while (cell.starts_with(' ')) cell.remove_prefix(1);
  while (cell.ends_with(' ')) cell.remove_suffix(1);
  return std::string(cell);
}

// "[decision 0023](decisions/0023-….md)" becomes "decision 0023".
std::string without_links(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto middle = text.find("](");
    const auto end = middle == std::string_view::npos ? middle : text.find(')', middle);
    const auto start = middle == std::string_view::npos ? middle : text.rfind('[', middle);
    if (end == std::string_view::npos || start == std::string_view::npos) break;
    out += text.substr(0, start);
    out += text.substr(start + 1, middle - start - 1);
    text.remove_prefix(end + 1);
  }
  return out + std::string(text);
}

} // namespace

std::string type_of(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::anything:
      return "";
    case Shape::Kind::boolean:
      return "boolean";
    case Shape::Kind::integer:
      if (!shape.numbers.empty()) return fmt::format("{}", fmt::join(shape.numbers, ", "));
      return fmt::format("{} to {}", shape.least, shape.most);
    case Shape::Kind::duration:
      return range_of(shape);
    case Shape::Kind::size:
      if (shape.most >= kTooLargeToTell) return "size";
      return fmt::format("size, to {}",
                         with_space(size_to_text(static_cast<std::uint64_t>(shape.most))));
    case Shape::Kind::text: {
      std::string type = shape.name.empty() ? "text" : shape.name;
      if (shape.name.empty() && shape.most > 0) type += fmt::format(", to {} bytes", shape.most);
      return shape.words.empty() ? type : quoted(shape.words) + ", " + type;
    }
    case Shape::Kind::word:
      return quoted(shape.words);
    case Shape::Kind::list:
      return fmt::format("list, {}, of {}", count_of(shape), one_of_many(shape.parts.front()));
    case Shape::Kind::map:
      return fmt::format("object, to {}, of {} to {}", shape.most, type_of(shape.parts.back()),
                         type_of(shape.parts.front()));
    case Shape::Kind::object:
      return "object";
  }
  return "";
}

Meanings meanings_of(std::string_view page, std::string_view file) {
  Meanings meanings;
  bool inside = false;
  while (!page.empty()) {
    const auto line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(page.size(), line.size() + 1));
    if (line.starts_with("## ")) inside = line.substr(3) == file;
    if (!inside || !line.starts_with("| `")) continue;
    // | `key` | type | default | meaning |
    const auto name = line.substr(3, line.find('`', 3) - 3);
    const auto last = line.rfind(" |");
    const auto before = line.rfind(" | ", last - 1);
    if (before == std::string_view::npos || before + 3 > last) continue;
    meanings[std::string(name)] =
        without_links(trimmed(line.substr(before + 3, last - before - 3)));
  }
  return meanings;
}

std::string json_schema(const Shape& root, const std::string& file, const Meanings& meanings,
                        const std::set<std::string>& restart) {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", file}};
  schema.update(Writer(meanings, restart).root(root));
  return schema.dump(2) + "\n";
}

} // namespace config
