// What the limits have held back, for the operator: so many of which limit and about whom. A table of
// fixed size; the shell takes it away now and then and makes a line of each entry.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/address.h"

namespace turnd {

enum class Limit : std::uint8_t {
  allocations,             // in all
  allocations_per_user,    //
  relay_ports,             // every port of the range is taken
  reservations,            // EVEN-PORT with R
  permissions,             // of one allocation
  channels,                // of one allocation
  connections,             // with peers, of one TCP allocation or of all
  bandwidth,               // of one allocation
  bandwidth_per_user,      //
  unauthenticated_answers, // to one source
};
inline constexpr std::size_t kLimits = 10;

struct LimitHit {
  Limit limit;
  std::string subject; // a user or a client's address; empty: several, or nobody in particular
  std::uint64_t count = 0;
};

class LimitsHit {
 public:
  static constexpr std::size_t kMaxSubjects = 32;

  void note(Limit limit, std::string_view subject);
  // By the first of the sources since the last take(): in a flood there is no end of them.
  void note_source(Limit limit, const core::IpAddress& source);

  bool empty() const { return hits_.empty(); }
  std::vector<LimitHit> take() { return std::exchange(hits_, {}); }
  const std::array<std::uint64_t, kLimits>& totals() const { return totals_; }

 private:
  std::vector<LimitHit> hits_; // kMaxSubjects, and one without a subject for each limit
  std::array<std::uint64_t, kLimits> totals_{};
};

} // namespace turnd
