// "compression": which answers are compressed for clients that take it.
#pragma once

#include "libcore/config/value.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

void read_compression(const config::Value& value, Settings::Compression& compression);

} // namespace rproxyd
