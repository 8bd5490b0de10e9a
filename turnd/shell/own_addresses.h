// Every address at which a peer could reach one of our listeners.
#pragma once

#include <map>
#include <vector>

#include "libcore/base/address.h"

namespace turnd {

// Wildcards stand for the addresses of all interfaces; an address with an external one (static NAT)
// is listed in both forms.
std::vector<core::SocketAddress> own_addresses(
    const std::vector<core::SocketAddress>& listeners,
    const std::map<core::IpAddress, core::IpAddress>& external);

} // namespace turnd
