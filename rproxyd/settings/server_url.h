// The servers of a pool, as they are written: "https://10.40.0.12:8443".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rproxyd/settings/settings.h"

namespace rproxyd {

// http or https, a host (a name, an IPv4 address, an IPv6 address in brackets), and a port unless
// it is the scheme's own. A single '/' may follow, nothing else.
std::optional<Settings::Server> parse_server(std::string_view url);

// RFC 952, RFC 1123 section 2.1, and underscores, which occur in practice. What looks like an IPv4
// address is one.
bool is_host_name(std::string_view name);

} // namespace rproxyd
