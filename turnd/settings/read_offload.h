// The key "offload".
#pragma once

#include "libcore/config/value.h"
#include "turnd/settings/settings.h"

namespace turnd {

inline constexpr std::size_t kMaxOffloadInterfaces = 16;
inline constexpr std::size_t kMaxInterfaceName = 15; // the kernel's

void read_offload(const config::Value& value, Settings::Offload& offload);

} // namespace turnd
