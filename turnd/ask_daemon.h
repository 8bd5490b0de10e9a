// What all commands to a running daemon do: find its admin socket, ask, and say what went wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "libcore/base/error.h"

namespace turnd {

// As given, or as the configuration names it; without either, where it is by default. nullopt: there is
// none, which has been said.
std::optional<std::string> admin_socket(const std::string& given, const std::string& config_file);

// The error: it can't be reached, or it refuses, in its own words.
core::Result<nlohmann::json> ask_daemon(const std::string& socket, const nlohmann::json& question);

int refused(const core::Error& why); // says so; the exit code

} // namespace turnd
