// What one worker has done and refused.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "turnd/relay/allocation_figures.h"
#include "turnd/relay/authentication.h"
#include "turnd/relay/decision.h"
#include "turnd/relay/limits_hit.h"
#include "turnd/relay/refusals.h"
#include "turnd/relay/session.h"

namespace turnd {

// How an allocation ended.
enum class AllocationEnd : std::uint8_t {
  refused,     // it never began
  expired,     // its client did not refresh it
  deleted,     // by its client
  client_gone, // with the connection that it was made on
  killed,      // by an operator
};
inline constexpr std::size_t kAllocationEnds = 5;

struct Counters {
  std::array<Traffic, kTransports>
      to_peers{}; // by the client's transport; of tunnels the bytes alone
  std::array<Traffic, kTransports> to_clients{}; // likewise
  Traffic offloaded_to_peers;                    // of those that count above, by UDP
  Traffic offloaded_to_clients;                  // likewise
  std::uint64_t icmp_to_clients = 0;
  std::uint64_t allocations = 0;                     // that were answered with success
  std::uint64_t sent_to_less_busy = 0;               // clients, to another server
  std::array<std::uint64_t, kAllocationEnds> ends{}; // of those
  AllocationAges lifetimes;                          // likewise
  std::array<std::uint64_t, kMethods> requests{};
  std::array<std::uint64_t, kProofs> proofs{}; // of who sent them
  std::array<std::uint64_t, kDropReasons> drops{};
  std::array<std::uint64_t, kLimits> limits{}; // what they held back
  Refusals refusals;

  Counters& operator+=(const Counters& other);
};

// As operators read them: "no_permission", "allocations_per_user".
std::string_view name_of(DropReason reason);
std::string_view name_of(Limit limit);
std::string_view name_of(AllocationEnd end);
std::string_view name_of(Proof proof);
std::string_view name_of(Transport transport);

} // namespace turnd
