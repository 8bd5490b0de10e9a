// A route's "ice_servers": TURN servers for clients that are signed in.
#pragma once

#include "libcore/config/object_reader.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// False: the route has none, or they are not usable.
bool read_ice_servers(config::ObjectReader& object, Settings::IceServers& ice_servers);

} // namespace rproxyd
