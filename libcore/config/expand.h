// "${NAME}" in a string value stands for an environment variable; "$${" for "${" itself.
#pragma once

#include <string>
#include <string_view>

#include "libcore/base/error.h"
#include "libcore/config/surroundings.h"

namespace config {

bool mentions_variable(std::string_view text);

// What a variable holds is not expanded again. A failure names the variable, never a value.
core::Result<std::string> expand(std::string_view text, const Surroundings& surroundings);

} // namespace config
