// Starts a process that is nobody's child here: its parent is the first process of the system, which
// the service manager is, and which takes note of its end.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "libcore/base/error.h"

namespace program {

// With this process' standard streams, user, environment (without the variables `without`) and control
// group, signals as by default. From any thread. Fails if the program can't be executed.
core::Result<pid_t> start_detached(const std::string& path,
                                   const std::vector<std::string>& arguments,
                                   const std::vector<std::string>& without);

} // namespace program
