// The relay sockets of one worker, by RelayId. Places are used again with another generation, so
// that what the shell still says of a closed socket is recognised as past.
#pragma once

#include <cstdint>
#include <vector>

#include "turnd/relay/types.h"

namespace turnd {

struct Allocation;

struct Relay {
  core::SocketAddress address;      // what the socket is bound to
  std::size_t place = 0;            // which of the server's relay addresses it is of
  Allocation* allocation = nullptr; // gets what peers send; nullptr: held by a reservation
  Allocation* waiting = nullptr;    // has an Allocate that waits for this socket
};

class RelayTable {
 public:
  RelayId add(const Relay& relay);
  void remove(RelayId id);
  // nullptr when it is gone. Borrowed until the next add() or remove().
  Relay* find(RelayId id) { return is_there(id) ? &slots_[id.index].relay : nullptr; }
  const Relay* find(RelayId id) const { return is_there(id) ? &slots_[id.index].relay : nullptr; }
  std::size_t size() const { return slots_.size() - free_.size(); }

 private:
  // An even generation: the place is free.
  struct Slot {
    std::uint32_t generation = 0;
    Relay relay;
  };
  bool is_there(RelayId id) const {
    return id.index < slots_.size() && slots_[id.index].generation == id.generation;
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

} // namespace turnd
