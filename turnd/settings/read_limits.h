// Reads "limits".
#pragma once

#include "libcore/config/value.h"
#include "turnd/settings/settings.h"

namespace turnd {

inline constexpr std::uint64_t kMaxAllocations = 10'000'000;
inline constexpr std::uint64_t kMaxBandwidth = std::uint64_t{100} << 30; // bytes per second
inline constexpr unsigned kMaxPeersPerAllocation = 4096; // tables that are searched one by one
inline constexpr std::uint32_t kMaxUnauthenticatedAnswers = 100'000;

void read_limits(const config::Value& value, Settings::Limits& limits);

} // namespace turnd
