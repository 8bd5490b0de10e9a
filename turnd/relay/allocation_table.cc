#include "turnd/relay/allocation_table.h"

#include <utility>

namespace turnd {

std::uint64_t AllocationTable::hash(const FiveTuple& five_tuple) const {
  const std::uint64_t both =
      (five_tuple.client.hash() ^ seed_) * 0x9e3779b97f4a7c15U + five_tuple.server.hash();
  const auto product =
      static_cast<unsigned __int128>(both + static_cast<std::uint64_t>(five_tuple.transport)) *
      0xe7037ed1a0b428dbU;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

Allocation* AllocationTable::find(const FiveTuple& five_tuple) const {
  const std::uint64_t wanted = hash(five_tuple);
  for (std::size_t at = home(wanted); slots_[at].allocation != nullptr; at = next(at)) {
    const Slot& slot = slots_[at];
    if (slot.hash == wanted && slot.allocation->five_tuple == five_tuple) {
      return slot.allocation.get();
    }
  }
  return nullptr;
}

Allocation& AllocationTable::add(std::unique_ptr<Allocation> allocation) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  Allocation& added = *allocation;
  place({.hash = hash(added.five_tuple), .allocation = std::move(allocation)});
  ++size_;
  return added;
}

void AllocationTable::place(Slot slot) {
  std::size_t at = home(slot.hash);
  while (slots_[at].allocation != nullptr) at = next(at);
  slots_[at] = std::move(slot);
}

// What stands behind the gap moves up into it, unless it would come to stand before its home.
std::unique_ptr<Allocation> AllocationTable::take(const Allocation& allocation) {
  std::size_t gap = home(hash(allocation.five_tuple));
  while (slots_[gap].allocation.get() != &allocation) gap = next(gap);
  std::unique_ptr<Allocation> taken = std::move(slots_[gap].allocation);
  --size_;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = next(gap); slots_[at].allocation != nullptr; at = next(at)) {
    const std::size_t distance_from_home = (at - home(slots_[at].hash)) & mask;
    const std::size_t distance_from_gap = (at - gap) & mask;
    if (distance_from_home < distance_from_gap) continue;
    slots_[gap] = std::move(slots_[at]);
    gap = at;
  }
  return taken;
}

void AllocationTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (Slot& slot : old) {
    if (slot.allocation != nullptr) place(std::move(slot));
  }
}

} // namespace turnd
