// What a place of a configuration file may hold, as its readers tell when they are asked instead of being
// given a file (describe.h): the source of `schema` and of the tables in docs/configuration.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/time.h"

namespace config {

struct ShapeMember;

struct Shape {
  enum class Kind : std::uint8_t {
    anything,
    boolean,
    integer,
    duration,
    size,
    text,
    word, // one of `words`
    list,
    object,
    map
  };

  Kind kind = Kind::anything;
  bool nullable = false;
  std::int64_t least = 0; // of an integer, a size in bytes, a list
  std::int64_t most = 0;  // likewise; of a map; of a text in bytes, 0: not said
  core::Duration shortest{0};
  core::Duration longest{0};
  std::string name;                     // of a text: "path", "IP address"; empty: any text
  std::string pattern;                  // of a text: what all that is taken matches (ECMA-262)
  std::vector<std::string> words;       // of a word; of a text: those that mean something
  std::vector<std::int64_t> numbers;    // of an integer: these alone
  std::optional<std::string> fallback;  // JSON: what holds where the key is absent
  std::list<ShapeMember> members;       // of an object
  std::vector<std::string> exactly_one; // of an object: one of these members, and no other of them
  std::list<Shape> parts;               // of a list: its element; of a map: element and key
  std::list<Shape> others;              // a value may have one of these shapes instead

  static Shape of(Kind kind) {
    Shape shape;
    shape.kind = kind;
    return shape;
  }
  static Shape text(std::string name, std::string pattern = "") {
    Shape shape = of(Kind::text);
    shape.name = std::move(name);
    shape.pattern = std::move(pattern);
    return shape;
  }
  static Shape between(Kind kind, std::int64_t least, std::int64_t most) {
    Shape shape = of(kind);
    shape.least = least;
    shape.most = most;
    return shape;
  }

  ShapeMember& member(std::string_view key); // made when it isn't there
  Shape& part(std::size_t index);            // likewise
};

struct ShapeMember {
  std::string key;
  bool required = false;
  Shape shape;
};

} // namespace config
