// The system calls that the daemons make, and no others: by what they are for. Names of other
// architectures are among them.
#pragma once

#include <span>
#include <string_view>

namespace sandbox {

// Whatever their arguments.
std::span<const std::string_view> allowed_calls();

// Those that are allowed with some arguments alone are in seccomp.cc.

} // namespace sandbox
