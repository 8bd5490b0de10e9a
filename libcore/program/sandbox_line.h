// What the command `status` says of the sandbox of a daemon.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "libcore/program/terminal.h"

namespace program {

// "Runs as NAME with net_bind_service; …", then a line for each remark. Empty: an older daemon that
// doesn't say.
std::string sandbox_lines(const nlohmann::json& status, const Terminal& terminal);

} // namespace program
