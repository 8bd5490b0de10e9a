// Limits that follow from the machine and from the rest of the configuration where none is written.
#pragma once

#include <cstdint>

#include "turnd/relay/quota.h"
#include "turnd/settings/settings.h"

namespace turnd {

// So many descriptors are for listeners, logs and other things that are no allocations.
inline constexpr std::uint64_t kDescriptorsOfOurOwn = 256;

// `descriptors`: how many this process may open.
QuotaLimits quota_limits(const Settings& settings, std::uint64_t descriptors);

std::uint64_t allowed_descriptors();

} // namespace turnd
