#include "libcore/config/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "libcore/config/suggest.h"

namespace config {

ObjectReader::ObjectReader(Value value) : value_(std::move(value)) {
  if (value_.tells(Shape::of(Shape::Kind::object))) return;
  if (!is_object()) value_.error(fmt::format("{} is not an object", value_.kind()), "{ … }");
}

std::optional<Value> ObjectReader::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  if (value_.asked()) return value_.member_asked(key);
  for (const auto& member : value_.node().members) {
    if (member.key.text == key) return value_.value(member);
  }
  return std::nullopt;
}

Value ObjectReader::place_of(std::string_view key) const {
  for (const auto& member : value_.node().members) {
    if (member.key.text == key) return value_.value(member);
  }
  return value_;
}

void ObjectReader::finish() {
  for (const auto& member : value_.node().members) {
    if (std::ranges::find(known_, member.key.text) != known_.end()) continue;
    const auto key = value_.key(member);
    if (const auto meant = nearest(member.key.text, known_)) {
      key.error(fmt::format("unknown key {} (did you mean \"{}\"?)", key.shown(), *meant));
    } else {
      key.error(fmt::format("unknown key {}", key.shown()),
                fmt::format("one of \"{}\"", fmt::join(known_, "\", \"")));
    }
  }
}

std::optional<Value> ObjectReader::need(std::string_view key, std::string expected) {
  if (Shape* shape = value_.asked()) shape->member(key).required = true;
  if (is_object() && !has(key)) {
    value_.error(fmt::format("\"{}\" is missing", key), std::move(expected));
  }
  return find(key);
}

bool ObjectReader::has_exactly_one(std::span<const std::string_view> keys) const {
  if (Shape* shape = value_.asked()) shape->exactly_one.assign(keys.begin(), keys.end());
  return std::ranges::count_if(keys, [this](std::string_view key) { return has(key); }) == 1;
}

} // namespace config
