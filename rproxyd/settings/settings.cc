#include "rproxyd/settings/settings.h"

#include "libcore/config/load.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {

std::expected<config::Loaded<Settings>, config::Problems> load(
    const std::string& path, const config::Surroundings& surroundings) {
  return config::load<Settings>(
      path, surroundings, read,
      [](const Settings&, const config::Document&) { return config::Problems(); });
}

} // namespace rproxyd
