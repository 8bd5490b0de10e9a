// How much the log says, and in which form.
#pragma once

#include <cstdint>
#include <string_view>

namespace logging {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { text, json };

std::string_view name(Level level);

} // namespace logging
