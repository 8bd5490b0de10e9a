// Limits that a configuration file may switch off with 0.
#pragma once

#include <cstdint>
#include <limits>

namespace config {

// What "0: none" becomes, so that `count >= limit` is right without a special case.
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

} // namespace config
