// What a Redis server answers (RESP 2), as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resp {

struct Value {
  enum class Kind : std::uint8_t { nil, integer, text, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text; // of an error: what the server says of it
  std::vector<Value> elements;

  bool is_text() const { return kind == Kind::text; }
  bool is_array() const { return kind == Kind::array; }
};

} // namespace resp
