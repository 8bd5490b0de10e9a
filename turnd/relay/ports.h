// The relay ports of one address that belong to one worker. The range is dealt out in pairs of an
// even and the following odd port, pair by pair to the workers, so that workers share nothing and
// EVEN-PORT reservations stay with one. Ports are picked at random (RFC 8656 section 7.2), and one
// that was given back rests before it is used again, so that a late packet meets nobody.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "libcore/base/time.h"
#include "turnd/relay/random.h"

namespace turnd {

struct PortRange {
  std::uint16_t first = 49152;
  std::uint16_t last = 65535; // inclusive

  bool contains(std::uint16_t port) const { return port >= first && port <= last; }
};

class PortPool {
 public:
  static constexpr core::Duration kRest = std::chrono::seconds(30);
  // When every other port is taken, the longest rested may go again after this.
  static constexpr core::Duration kShortestRest = std::chrono::seconds(1);

  PortPool(PortRange range, unsigned worker, unsigned workers);

  // What is dealt out from now on. A port that lies outside of it and is taken stays so until it is given
  // back.
  void set_range(PortRange range);

  std::optional<std::uint16_t> take(Random& random, core::TimePoint now);
  std::optional<std::uint16_t> take_even(Random& random, core::TimePoint now);
  // An even port whose successor is taken as well.
  std::optional<std::uint16_t> take_pair(Random& random, core::TimePoint now);
  void give_back(std::uint16_t port, core::TimePoint now);

  // A socket of another worker's port has come to this one, or left again.
  void adopt(std::uint16_t port) { states_[port] = State::taken; }
  void forget(std::uint16_t port) { states_[port] = State::not_ours; }
  // None of those that are taken is dealt out: for when adopt() was told of ports of its own.
  void withdraw_taken() {
    std::erase_if(ready_, [&](std::uint16_t port) { return states_[port] != State::ready; });
  }
  // The worker that deals this port out.
  static unsigned home_of(std::uint16_t port, unsigned workers) { return (port / 2U) % workers; }

  // Whether a relay socket of this worker has it now.
  bool is_taken(std::uint16_t port) const { return states_[port] == State::taken; }
  std::size_t available() const { return ready_.size() + resting_.size(); }

 private:
  enum class State : std::uint8_t { not_ours, ready, taken, resting };
  struct Resting {
    std::uint16_t port = 0;
    core::TimePoint since;
  };

  void wake(core::TimePoint now);
  std::uint16_t take_at(std::size_t index);
  template <typename Wanted>
  std::optional<std::size_t> find(Random& random, Wanted wanted) const;

  PortRange range_;
  unsigned worker_;
  unsigned workers_;
  std::vector<State> states_;        // by port
  std::vector<std::uint16_t> ready_; // in no order
  std::deque<Resting> resting_;      // longest rested first
};

} // namespace turnd
