// What the allocations of a worker are like just now, counted over all of them.
#pragma once

#include <array>
#include <cstdint>

#include "libcore/base/bucket_counts.h"
#include "turnd/relay/types.h"

namespace turnd {

// Seconds: a call's ringing, calls, a meeting, a working day.
inline constexpr std::array kAllocationAges{10.0,   60.0,   300.0,   600.0,   1800.0,
                                            3600.0, 7200.0, 14400.0, 28800.0, 86400.0};
using AllocationAges = core::BucketCounts<kAllocationAges>;

struct AllocationFigures {
  std::uint64_t all = 0;
  std::array<std::uint64_t, kTransports> by_transport{}; // the client's
  std::array<std::uint64_t, 2> by_family{}; // the relayed address's; one of both counts twice
  std::uint64_t tcp = 0;
  std::uint64_t mobile = 0;
  std::uint64_t permissions = 0;
  std::uint64_t channels = 0;
  std::uint64_t connections = 0; // with peers, of TCP allocations
  AllocationAges ages;

  AllocationFigures& operator+=(const AllocationFigures& other) {
    all += other.all;
    for (std::size_t i = 0; i < by_transport.size(); ++i) by_transport[i] += other.by_transport[i];
    for (std::size_t i = 0; i < by_family.size(); ++i) by_family[i] += other.by_family[i];
    tcp += other.tcp;
    mobile += other.mobile;
    permissions += other.permissions;
    channels += other.channels;
    connections += other.connections;
    ages += other.ages;
    return *this;
  }
};

} // namespace turnd
