// How much the log says, and in which form.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace logging {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { text, json };

std::string_view name(Level level);
std::optional<Level> parse_level(std::string_view text);

// What the log says of a subject: the first part of an event's name, "backend" of "backend.down".
using SubjectLevels = std::map<std::string, Level, std::less<>>;

} // namespace logging
