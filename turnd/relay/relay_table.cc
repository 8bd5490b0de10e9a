#include "turnd/relay/relay_table.h"

namespace turnd {

RelayId RelayTable::add(const Relay& relay) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  ++slot.generation;
  slot.relay = relay;
  return {.index = index, .generation = slot.generation};
}

void RelayTable::remove(RelayId id) {
  if (find(id) == nullptr) return;
  Slot& slot = slots_[id.index];
  ++slot.generation;
  slot.relay = {};
  free_.push_back(id.index);
}

} // namespace turnd
