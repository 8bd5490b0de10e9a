// Reads an object key by key. Each key that was asked for is known; finish() refuses the others,
// with a suggestion. A key that is absent leaves the setting as it was: its default. Every problem
// is noted and reading goes on, so that one pass finds them all.
//
//   ObjectReader object(value);
//   object.read("workers", settings.workers, integer<unsigned>(0, 1024));
//   object.require("realm", settings.realm, text());
//   object.finish();
//
// A parser is a callable that takes a Value and gives std::optional<T>; when it gives none, it has
// noted a problem. See parsers.h.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/config/value.h"

namespace config {

class ObjectReader {
 public:
  explicit ObjectReader(Value value); // a problem when it isn't an object; then all keys are absent

  const Value& value() const { return value_; }
  bool is_object() const { return value_.node().kind == Node::Kind::object; }

  std::optional<Value> find(std::string_view key); // `key` is a literal
  bool has(std::string_view key) const { return value_.node().member(key) != nullptr; }

  // Where a problem with this key belongs: its value, or the object when the key is absent.
  Value place_of(std::string_view key) const;

  // Whether a value was there and right.
  template <typename T, typename Parser>
  bool read(std::string_view key, T& setting, Parser&& parser) {
    const auto found = find(key);
    if (!found) return false;
    auto parsed = parser(*found);
    if (!parsed) return false;
    setting = *std::move(parsed);
    return true;
  }
  template <typename T, typename Parser>
  bool require(std::string_view key, T& setting, Parser&& parser) {
    if (is_object() && !has(key)) missing(key);
    return read(key, setting, std::forward<Parser>(parser));
  }

  void finish();

 private:
  void missing(std::string_view key) const;

  Value value_;
  std::vector<std::string_view> known_;
};

} // namespace config
