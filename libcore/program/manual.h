// The part of a manual page that names commands and options, for man(7); deploy/packages has the rest.
#pragma once

#include <string>

#include "libcore/program/command_shape.h"

namespace program {

// The sections SYNOPSIS, COMMANDS and OPTIONS.
std::string manual_sections(const CommandShape& program);

} // namespace program
