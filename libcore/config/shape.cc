#include "libcore/config/shape.h"

#include <iterator>

namespace config {

ShapeMember& Shape::member(std::string_view key) {
  for (ShapeMember& each : members) {
    if (each.key == key) return each;
  }
  return members.emplace_back(ShapeMember{.key = std::string(key), .required = false, .shape = {}});
}

Shape& Shape::part(std::size_t index) {
  while (parts.size() <= index) parts.emplace_back();
  auto found = parts.begin();
  std::advance(found, index);
  return *found;
}

} // namespace config
