// The daemon that a command is for, and what it answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libcore/base/error.h"

namespace rproxyd {

// Over `socket`, or if that is empty over the one that the configuration names; `config_file` empty: the
// usual one. The answer is an object whose "ok" says whether it was done, and else "error" why not.
core::Result<nlohmann::json> ask_daemon(const std::string& config_file, const std::string& socket,
                                        const nlohmann::json& question);

// A member that is a string, as a terminal can be shown it: rooms and reasons have words of others.
std::string text_of(const nlohmann::json& object, const char* key);

// For scripts: one line.
void print_json(const nlohmann::json& answer);

// Says it on standard error; the exit code.
int refused(std::string_view why);

} // namespace rproxyd
