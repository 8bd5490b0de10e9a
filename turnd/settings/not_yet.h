// Options of the contract that this version of the daemon doesn't serve. An error where going on
// without them would weaken security or mean something else than what was written; a warning
// where something is merely missing. An entry goes when its option is served.
#pragma once

#include "libcore/config/document.h"
#include "turnd/settings/settings.h"

namespace turnd {

config::Problems not_yet(const Settings& settings, const config::Document& document);

} // namespace turnd
