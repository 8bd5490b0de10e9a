// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 section 5.6.7).
#pragma once

#include <string>

#include "libcore/base/time.h"

namespace rproxyd {

std::string http_date(core::WallTime when);

} // namespace rproxyd
