// A password from standard input, never from a command line, which everybody on the machine can read.
#pragma once

#include "libcore/base/error.h"
#include "libcore/base/secret.h"

namespace turnd {

// A person is asked twice, and sees nothing of it; from elsewhere the first line is it.
core::Result<core::Secret> read_password();

} // namespace turnd
