// Pieces of text as HTTP means them: ASCII whatever the locale, optional white space, lists.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rproxyd {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

constexpr std::string_view without_white_space_around(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `wanted` for the elements of a comma-separated list, empty ones left out
// (RFC 9110 section 5.6.1), until it says true. Commas inside quoted strings separate, too: no list
// that is read this way holds quoted strings.
template <typename Wanted>
constexpr bool any_element(std::string_view list, Wanted&& wanted) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = without_white_space_around(list.substr(0, comma));
    if (!element.empty() && wanted(element)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// Digits and nothing else, of at most 18 places: sums of two of them can't wrap.
constexpr std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

} // namespace rproxyd
