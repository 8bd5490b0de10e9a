// rproxyd.json together with the files that it names.
#pragma once

#include <expected>
#include <string>

#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// As load(); and certificates and authorities have been found usable.
std::expected<config::Loaded<Settings>, config::Problems> load_usable(
    const std::string& path, const config::Surroundings& surroundings);

} // namespace rproxyd
