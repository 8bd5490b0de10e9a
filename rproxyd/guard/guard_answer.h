// What a client is told that the guard keeps from a node: in the form of the node's own API, so that
// the clients' apps can show it.
#pragma once

#include <cstdint>

#include "libcore/base/time.h"
#include "rproxyd/proxy/local_answer.h"

namespace rproxyd {

// `retry_after`: rounded up to whole seconds, one at least.
LocalAnswer guard_answer(std::uint16_t status, core::Duration retry_after);

} // namespace rproxyd
