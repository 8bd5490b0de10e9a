// The routes of the settings in the form that requests are matched on.
#pragma once

#include <string>
#include <vector>

#include "rproxyd/proxy/routes.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// `pool_names`: in the order of Route::pool.
RouteTable route_table(const Settings& settings, const std::vector<std::string>& pool_names);

} // namespace rproxyd
