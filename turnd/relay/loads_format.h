// The file of alternate.loads_file: how many allocations each server of a fleet has.
//
//   # as of 2026-11-23T12:00:00Z
//   198.51.100.130:3478 812
//   [2001:db8::130]:3478 812
//
// A line for each address that clients use; what follows a # is for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "turnd/relay/sibling_loads.h"

namespace turnd {

inline constexpr std::size_t kMaxLoadsFileBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxLoads = 1024;
inline constexpr std::uint64_t kMaxAllocationsOfLoad = std::numeric_limits<std::uint32_t>::max();

struct LoadsProblem {
  std::size_t line = 0; // from 1; 0: the whole file
  std::string text;     // what is wrong
  std::string expected;
};

// No server twice.
std::expected<std::vector<ServerLoad>, LoadsProblem> read_loads(std::string_view text);

} // namespace turnd
