#include "turnd/relay/offload_table.h"

#include <algorithm>

#include "turnd/relay/allocation.h"

namespace turnd {

void OffloadTable::set_numbers(std::uint32_t first, std::uint32_t count) {
  first_ = first;
  size_ = 0;
  places_.assign(count, {});
  free_.clear();
  free_.reserve(count);
  for (std::uint32_t i = count; i > 0; --i) free_.push_back(OffloadNumber{first + i - 1});
}

// An allocation has few channels, and they change seldom.
void OffloadTable::set(Allocation& owner, std::span<const Wanted> wanted) {
  std::vector<OffloadNumber>& numbers = owner.offloaded.numbers;
  const auto is_wanted = [&](OffloadNumber number) {
    return std::ranges::any_of(
        wanted, [&](const Wanted& w) { return w.binding == places_[index(number)].binding; });
  };
  // What ends comes first: a new binding may have one of its addresses.
  std::erase_if(numbers, [&](OffloadNumber number) {
    if (is_wanted(number)) return false;
    begin_end(owner, number);
    return true;
  });
  for (const Wanted& each : wanted) {
    const auto there = std::ranges::find_if(numbers, [&](OffloadNumber number) {
      return places_[index(number)].binding == each.binding;
    });
    if (there == numbers.end()) {
      begin(owner, each);
    } else if (Place& place = places_[index(*there)]; place.expires != each.expires) {
      place.expires = each.expires;
      commands_.emplace_back(MoveOffload{.number = *there, .expires = each.expires});
    }
  }
}

void OffloadTable::begin(Allocation& owner, const Wanted& wanted) {
  if (free_.empty()) {
    ++without_number_;
    return;
  }
  const OffloadNumber number = free_.back();
  free_.pop_back();
  places_[index(number)] = {.state = Place::State::offloaded,
                            .owner = &owner,
                            .binding = wanted.binding,
                            .expires = wanted.expires};
  owner.offloaded.numbers.push_back(number);
  ++size_;
  ++begun_;
  commands_.emplace_back(
      BeginOffload{.number = number, .binding = wanted.binding, .expires = wanted.expires});
}

// The number is nobody's until the last that was counted for it has been told.
void OffloadTable::begin_end(Allocation& owner, OffloadNumber number) {
  places_[index(number)].state = Place::State::ending;
  owner.offloaded.ending.push_back(number);
  commands_.emplace_back(EndOffload{number});
}

void OffloadTable::end_for_good(Allocation& owner) {
  end(owner);
  for (const OffloadNumber number : owner.offloaded.ending) places_[index(number)].owner = nullptr;
  owner.offloaded.ending.clear();
}

Allocation* OffloadTable::owner(OffloadNumber number) const {
  return index(number) < places_.size() ? places_[index(number)].owner : nullptr;
}

void OffloadTable::refused(OffloadNumber number) {
  if (index(number) >= places_.size()) return;
  Place& place = places_[index(number)];
  if (place.state != Place::State::offloaded) return; // EndOffload is on its way
  std::erase(place.owner->offloaded.numbers, number);
  ++refused_;
  give_back(number);
}

void OffloadTable::ended(OffloadNumber number) {
  if (index(number) >= places_.size()) return;
  Place& place = places_[index(number)];
  if (place.state != Place::State::ending) return;
  if (place.owner != nullptr) std::erase(place.owner->offloaded.ending, number);
  give_back(number);
}

void OffloadTable::give_back(OffloadNumber number) {
  places_[index(number)] = {};
  free_.push_back(number);
  --size_;
}

} // namespace turnd
