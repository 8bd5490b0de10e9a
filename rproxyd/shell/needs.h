// What rproxyd makes use of with a configuration, beyond what every process may: its sandbox leaves it that.
#pragma once

#include "libcore/sandbox/sandbox.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// The configuration file itself and the announce file are not among it.
sandbox::Needs needs_of(const Settings& settings);

} // namespace rproxyd
