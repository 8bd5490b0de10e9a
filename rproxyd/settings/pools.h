// "pools": the servers and how they are used.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "libcore/config/value.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

std::optional<std::map<std::string, Settings::Pool>> read_pools(const config::Value& value);

} // namespace rproxyd
