// Durations and sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/time.h"

namespace config {

// A whole number with a unit, ms s m h d: "250ms", "5m"; "0" needs none. nullopt also when it is
// too large to count in nanoseconds.
std::optional<core::Duration> parse_duration(std::string_view text);
// In the largest unit that leaves a whole number.
std::string to_text(core::Duration duration);

// A whole number of bytes, with B, KiB, MiB, GiB or nothing after it: "64KiB", "0".
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_to_text(std::uint64_t bytes);

} // namespace config
