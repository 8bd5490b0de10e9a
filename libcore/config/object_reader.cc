#include "libcore/config/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "libcore/config/suggest.h"

namespace config {

ObjectReader::ObjectReader(Value value) : value_(std::move(value)) {
  if (!is_object()) value_.error(fmt::format("{} is not an object", value_.kind()), "{ … }");
}

std::optional<Value> ObjectReader::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
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

void ObjectReader::missing(std::string_view key) const {
  value_.error(fmt::format("\"{}\" is missing", key));
}

} // namespace config
