// What may have been meant by a word that isn't known.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace config {

// Insertions, deletions, replacements and swaps of neighbours that make one out of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of the known words, when it is near: a third of the letters wrong, two at least; else
// one that begins so. The first of several that are equally near.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

} // namespace config
