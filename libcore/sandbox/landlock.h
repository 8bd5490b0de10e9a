// Landlock (landlock(7)): the kernel lets this process and its threads use no other files than these.
// By the kernel's own calls: there is no library for three of them.
#pragma once

#include "libcore/base/error.h"
#include "libcore/sandbox/reach.h"

namespace sandbox {

// The version of what the kernel offers; 0: nothing, or it is switched off.
int landlock_version();

// For good, and for the threads that are started from now on. What isn't there gets no rule.
core::Result<void> limit_files(const Reach& reach);

} // namespace sandbox
