// The reader of "pin_guard": what counts as a guess, who is banned for how many, and for how long.
#pragma once

#include "libcore/config/value.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

void read_pin_guard(const config::Value& value, Settings::PinGuard& guard);

} // namespace rproxyd
