// Settings as they would be written in a configuration file, in JSON: for the defaults in a Shape. No
// text: the key has no default that could be written. A type of a program's own has an overload in its
// own namespace.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/network.h"
#include "libcore/base/time.h"
#include "libcore/config/limit.h"
#include "libcore/config/shape.h"
#include "libcore/config/units.h"

namespace config {

using Written = std::optional<std::string>;

std::string quoted_json(std::string_view text);
Written written_number(const Shape& shape, std::uint64_t number);

inline Written written(const Shape& /*shape*/, bool on) { return on ? "true" : "false"; }
template <std::integral T>
Written written(const Shape& shape, T number) {
  return written_number(shape, static_cast<std::uint64_t>(number));
}
inline Written written(const Shape& /*shape*/, core::Duration time) {
  return quoted_json(to_text(time));
}
inline Written written(const Shape& /*shape*/, const std::string& text) {
  if (text.empty()) return std::nullopt;
  return quoted_json(text);
}
inline Written written(const Shape& /*shape*/, const core::SocketAddress& address) {
  return quoted_json(address.to_string());
}
Written written(const Shape& shape, const core::NetworkList& networks);

template <typename T>
Written written(const Shape& shape, const std::optional<T>& setting);
template <typename A, typename B>
Written written(const Shape& shape, const std::pair<A, B>& both);
template <typename T>
Written written(const Shape& shape, const std::vector<T>& list);
template <typename K, typename V>
Written written(const Shape& /*shape*/, const std::map<K, V>& map) {
  return map.empty() ? Written("{}") : std::nullopt;
}

// Absent is "off" where that word means it.
Written written_absence(const Shape& shape);

template <typename T>
Written written(const Shape& shape, const std::optional<T>& setting) {
  if constexpr (requires { written(shape, *setting); }) {
    if (setting) return written(shape, *setting);
  }
  return written_absence(shape);
}

template <typename A, typename B>
Written written(const Shape& shape, const std::pair<A, B>& both) {
  return "[" + written(shape, both.first).value_or("") + ", " +
         written(shape, both.second).value_or("") + "]";
}

template <typename T>
Written written(const Shape& shape, const std::vector<T>& list) {
  if (shape.kind == Shape::Kind::map) return list.empty() ? Written("{}") : std::nullopt;
  std::string text = "[";
  if constexpr (requires(const T& element) { written(shape, element); }) {
    const Shape element_shape = shape.parts.empty() ? Shape() : shape.parts.front();
    for (const T& element : list) {
      const Written each = written(element_shape, element);
      if (!each) return std::nullopt;
      text += (text.size() > 1 ? ", " : "") + *each;
    }
  } else if (!list.empty()) {
    return std::nullopt;
  }
  return text + "]";
}

} // namespace config
