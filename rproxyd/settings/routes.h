// "routes": which request is served by what.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libcore/config/object_reader.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// `required`: an absent or empty list is a problem. Pools that no route uses are pointed out.
void read_routes(config::ObjectReader& root, bool required,
                 const std::map<std::string, Settings::Pool>& pools,
                 std::vector<Settings::Route>& routes);

// "paths" and "branding_paths".
void read_paths(config::ObjectReader& root, Settings& settings);

} // namespace rproxyd
