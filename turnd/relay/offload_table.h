// Which channels of a worker's are offloaded. Bounded by the numbers that it may give: what finds none
// takes the ordinary way.
//
// An allocation's bindings are set as a whole whenever something about it has changed; the table finds
// out what that means for what is offloaded already, and says so with commands.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "turnd/relay/decision.h"
#include "turnd/relay/offload.h"

namespace turnd {

struct Allocation;

struct OffloadFigures {
  std::uint64_t bindings = 0;       // just now
  std::uint64_t begun = 0;          // in all, as the others
  std::uint64_t without_number = 0; // there were too many
  std::uint64_t refused = 0;        // by the shell

  OffloadFigures& operator+=(const OffloadFigures& other) {
    bindings += other.bindings;
    begun += other.begun;
    without_number += other.without_number;
    refused += other.refused;
    return *this;
  }
};

class OffloadTable {
 public:
  struct Wanted {
    OffloadBinding binding;
    core::TimePoint expires;
  };

  explicit OffloadTable(std::deque<Command>& commands) : commands_(commands) {}

  // The numbers that may be given from now on, none to begin with: [first, first + count). Whatever had
  // one is forgotten.
  void set_numbers(std::uint32_t first, std::uint32_t count);
  bool is_on() const { return !places_.empty(); }

  // All that is wanted for this allocation. What isn't among it any more ends.
  void set(Allocation& owner, std::span<const Wanted> wanted);
  void end(Allocation& owner) { set(owner, {}); }
  // It ends, and its owner goes: what is still counted is nobody's.
  void end_for_good(Allocation& owner);

  // Also of one that is ending. nullptr: it is gone.
  Allocation* owner(OffloadNumber number) const;
  core::TimePoint expires(OffloadNumber number) const { return places_[index(number)].expires; }
  void refused(OffloadNumber number);
  void ended(OffloadNumber number);

  std::size_t size() const { return size_; } // those that are ending included
  std::uint64_t begun() const { return begun_; }
  std::uint64_t without_number() const { return without_number_; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Place {
    enum class State : std::uint8_t { free, offloaded, ending };
    State state = State::free;
    Allocation* owner = nullptr;
    OffloadBinding binding;
    core::TimePoint expires;
  };
  std::size_t index(OffloadNumber number) const {
    return static_cast<std::uint32_t>(number) - first_;
  }
  void begin(Allocation& owner, const Wanted& wanted);
  void begin_end(Allocation& owner, OffloadNumber number);
  void give_back(OffloadNumber number);

  std::deque<Command>& commands_;
  std::uint32_t first_ = 0;
  std::vector<Place> places_;
  std::vector<OffloadNumber> free_;
  std::size_t size_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t without_number_ = 0;
  std::uint64_t refused_ = 0;
};

} // namespace turnd
