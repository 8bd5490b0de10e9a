// Dates of header fields (RFC 9110 section 5.6.7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/time.h"

namespace rproxyd {

// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate).
std::string http_date(core::WallTime when);

// That, and the two obsolete forms that recipients must accept. A two-digit year (RFC 850) is at
// most 50 years ahead of `now`.
std::optional<core::WallTime> parse_http_date(std::string_view text, core::WallTime now);

} // namespace rproxyd
