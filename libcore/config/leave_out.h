// What a configuration file says under a condition is gone before it is read:
//   - a key, or an element of a list, whose value is "${NAME:-}", while NAME isn't set or is empty;
//   - an object with "$when": false, or a variable that says no or is empty. Where it says yes, the
//     object stays, without its "$when".
#pragma once

#include <string_view>

#include "libcore/config/document.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"

namespace config {

inline constexpr std::string_view kCondition = "$when";

void leave_out(Document& document, const Surroundings& surroundings, Problems& problems);

} // namespace config
