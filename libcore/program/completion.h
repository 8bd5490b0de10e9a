// rproxyd completion bash, turnd completion zsh: what a shell needs to complete the program's commands,
// options and files. Packages install it where the shells look for it.
#pragma once

#include <string>

#include "libcore/program/command_shape.h"

namespace program {

std::string bash_completion(const CommandShape& program);
std::string zsh_completion(const CommandShape& program);

} // namespace program
