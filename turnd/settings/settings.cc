#include "turnd/settings/settings.h"

#include "libcore/config/load.h"
#include "turnd/settings/not_yet.h"
#include "turnd/settings/read.h"

namespace turnd {

std::expected<config::Loaded<Settings>, config::Problems> load(
    const std::string& path, const config::Surroundings& surroundings) {
  return config::load<Settings>(path, surroundings, read, not_yet);
}

} // namespace turnd
