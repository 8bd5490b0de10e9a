// What a route leads to: a pool, a folder, a redirect or a fixed answer.
#pragma once

#include "libcore/config/object_reader.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// Of a route whose other keys have been read. Whether there was exactly one, and a right one.
bool read_target(config::ObjectReader& object, Settings::Route& route);

} // namespace rproxyd
