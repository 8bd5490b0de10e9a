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
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "libcore/config/value.h"
#include "libcore/config/written.h"

namespace config {

class ObjectReader {
 public:
  explicit ObjectReader(Value value); // a problem when it isn't an object; then all keys are absent

  const Value& value() const { return value_; }
  bool is_object() const { return value_.node().kind == Node::Kind::object; }

  std::optional<Value> find(std::string_view key); // `key` is a literal
  bool has(std::string_view key) const { return value_.node().member(key) != nullptr; }
  // find(), with a problem when it isn't there.
  std::optional<Value> need(std::string_view key, std::string expected = "");
  // Whether one of these keys is there and no other of them; that one isn't is the caller's to say.
  bool has_exactly_one(std::span<const std::string_view> keys) const;

  // Where a problem with this key belongs: its value, or the object when the key is absent.
  Value place_of(std::string_view key) const;

  // Whether a value was there and right.
  template <typename T, typename Parser>
  bool read(std::string_view key, T& setting, Parser&& parser) {
    const auto found = find(key);
    if (!found) return false;
    auto parsed = parser(*found);
    if (Shape* shape = found->asked()) note_default(*shape, parser, setting);
    if (!parsed) return false;
    if constexpr (std::is_same_v<T, std::remove_cvref_t<decltype(parsed)>>)
      setting = std::move(parsed);
    else
      setting = *std::move(parsed);
    return true;
  }
  template <typename T, typename Parser>
  bool require(std::string_view key, T& setting, Parser&& parser) {
    need(key);
    return read(key, setting, std::forward<Parser>(parser));
  }

  void finish();

 private:
  template <typename Parser, typename T>
  static void note_default(Shape& shape, const Parser& parser, const T& setting) {
    if constexpr (requires { parser.written(setting); }) {
      shape.fallback = parser.written(setting);
    } else if constexpr (requires { written(shape, setting); }) {
      shape.fallback = written(shape, setting);
    }
  }

  Value value_;
  std::vector<std::string_view> known_;
};

} // namespace config
