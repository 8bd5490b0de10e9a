// "listeners": where clients connect.
#pragma once

#include "libcore/config/object_reader.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// After `trusted_proxies`, which listeners may need.
void read_listeners(config::ObjectReader& root, Settings& settings);

} // namespace rproxyd
