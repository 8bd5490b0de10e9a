// The allocations of one worker by five-tuple: a hash table with open addressing, so that finding
// one costs a hash and, nearly always, one line of memory before the allocation's own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "turnd/relay/allocation.h"

namespace turnd {

class AllocationTable {
 public:
  // `seed` keeps clients from choosing ports that fall on each other.
  explicit AllocationTable(std::uint64_t seed) : seed_(seed), slots_(kFewestSlots) {}

  Allocation* find(const FiveTuple& five_tuple) const;
  // The five-tuple must not be there yet.
  Allocation& add(std::unique_ptr<Allocation> allocation);
  std::unique_ptr<Allocation> take(const Allocation& allocation);
  void remove(const Allocation& allocation) { take(allocation); } // destroys it
  std::size_t size() const { return size_; }
  // The table stays as it is meanwhile.
  template <typename Each>
  void for_each(Each&& each) const {
    for (const Slot& slot : slots_) {
      if (slot.allocation != nullptr) each(*slot.allocation);
    }
  }

 private:
  static constexpr std::size_t kFewestSlots = 64; // a power of two, as every size
  struct Slot {
    std::uint64_t hash = 0;
    std::unique_ptr<Allocation> allocation;
  };

  std::uint64_t hash(const FiveTuple& five_tuple) const;
  std::size_t home(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  std::size_t next(std::size_t index) const { return (index + 1) & (slots_.size() - 1); }
  void place(Slot slot);
  void grow();

  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

} // namespace turnd
