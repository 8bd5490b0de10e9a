// The filter of system calls (seccomp(2)). A call that isn't allowed fails with EPERM, and the kernel
// logs it: a rare one that was forgotten is a fault somewhere, not the end of all calls.
#pragma once

#include "libcore/base/error.h"

namespace sandbox {

bool has_seccomp(); // whether the kernel has filters

// For good; the process has started no other threads yet. Takes no_new_privs. `kernel_maps`: see Needs.
core::Result<void> filter_calls(bool kernel_maps = false);

} // namespace sandbox
