// What one worker has done and refused.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "libcore/stun/attributes.h"
#include "turnd/relay/decision.h"
#include "turnd/relay/limits_hit.h"

namespace turnd {

// Error answers by code.
class Refusals {
 public:
  static constexpr std::size_t kFirst = 300;
  static constexpr std::size_t kCodes = 300; // 300 to 599

  void count(stun::ErrorCode code) {
    const std::size_t index = static_cast<std::size_t>(code) - kFirst;
    if (index < kCodes) ++by_code_[index];
  }
  std::uint64_t of(std::size_t code) const { return by_code_[code - kFirst]; }
  Refusals& operator+=(const Refusals& other) {
    for (std::size_t i = 0; i < kCodes; ++i) by_code_[i] += other.by_code_[i];
    return *this;
  }

 private:
  std::array<std::uint64_t, kCodes> by_code_{};
};

struct Counters {
  std::uint64_t packets_to_peers = 0;
  std::uint64_t bytes_to_peers = 0;
  std::uint64_t packets_to_clients = 0;
  std::uint64_t bytes_to_clients = 0;
  std::uint64_t icmp_to_clients = 0;
  std::uint64_t allocations = 0; // that were answered with success
  std::array<std::uint64_t, kDropReasons> drops{};
  std::array<std::uint64_t, kLimits> limits{}; // what they held back
  Refusals refusals;

  Counters& operator+=(const Counters& other);
};

// As operators read them: "no_permission", "allocations_per_user".
std::string_view name_of(DropReason reason);
std::string_view name_of(Limit limit);

} // namespace turnd
