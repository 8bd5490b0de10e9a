// Environment variables in string values:
//   ${NAME}            what it holds; it must be set
//   ${NAME:-DEFAULT}   DEFAULT when it isn't set or is empty
//   ${NAME:?WHAT}      it must be set and not empty; the problem says WHAT is wanted
//   $${                "${" itself
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "libcore/config/surroundings.h"

namespace config {

// Names the variable, never a value.
struct NotExpanded {
  std::string text;
  std::string expected;
};

bool mentions_variable(std::string_view text);

// What a variable holds is not expanded again, nor is a DEFAULT.
std::expected<std::string, NotExpanded> expand(std::string_view text,
                                               const Surroundings& surroundings);

// "${NAME:-}" and nothing else, of a variable that isn't set or is empty.
bool stands_for_nothing(std::string_view text, const Surroundings& surroundings);

} // namespace config
