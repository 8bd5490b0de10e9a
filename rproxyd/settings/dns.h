// The reader of "dns": who is asked for names, and how often.
#pragma once

#include "libcore/config/value.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

void read_dns(const config::Value& value, Settings::Dns& dns);

} // namespace rproxyd
