// The program for the kernel, as it was compiled when turnd was built.
#pragma once

#include "libcore/base/bytes.h"

namespace turnd {

core::Bytes offload_program_bytes();

} // namespace turnd
