// A look into JSON (RFC 8259) from a client or a node: its members, one level at a time, without
// building a tree. Strict, so that whatever a more lenient reader might see in a text that is not
// JSON is never taken for nothing: such a text is refused, and the caller thinks the worst of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rproxyd {

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  std::string_view raw; // as it stands in the text, borrowed from it
};

// Objects and arrays inside of each other.
inline constexpr unsigned kMaxJsonDepth = 32;

// The kind of a text that is one JSON value with nothing but white space around it.
std::optional<JsonValue> scan_json(std::string_view text);

// Calls `visit` for each member of an object or element of an array (with an empty key), in order,
// repeated keys included. `value` comes from scan_json() or from a visit.
void for_each_member(const JsonValue& value,
                     const std::function<void(const std::string& key, const JsonValue&)>& visit);

// What a value of the kind string says, escapes undone.
std::string json_text(const JsonValue& value);

} // namespace rproxyd
