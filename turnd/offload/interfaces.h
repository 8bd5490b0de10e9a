// The machine's network interfaces, as far as the program in the kernel has to know them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/error.h"
#include "turnd/offload/kernel_relay.h"

namespace turnd {

// Each once, by name.
core::Result<std::vector<OffloadInterface>> interfaces_named(std::span<const std::string> names);
// Those that have one of these addresses; an unspecified one stands for all of its family. The loopback
// interface is never among them.
core::Result<std::vector<OffloadInterface>> interfaces_with(
    std::span<const core::IpAddress> addresses);
// Whether there is hardware behind it, or a hypervisor's. Others (a container's veth) may drop what a
// program forwards, unless their other end has been prepared for it.
bool has_driver(const OffloadInterface& interface);

// Routes are looked up as for packets of this machine's own, which the kernel takes for coming in by the
// loopback interface, and forwards nothing from there before it is allowed to.
core::Result<void> allow_route_lookups();

} // namespace turnd
