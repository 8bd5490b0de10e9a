// A binding as the program in the kernel knows it: an entry for each direction.
#pragma once

#include <cstdint>

#include "turnd/offload/layout.h"
#include "turnd/relay/offload.h"

namespace turnd {

struct OffloadEntry {
  OffloadKey key;
  OffloadDirection direction;
};

// Which of the records counts a direction of the binding with this number.
constexpr std::uint32_t record_to_peer(std::uint32_t number) { return 2 * number; }
constexpr std::uint32_t record_to_client(std::uint32_t number) { return 2 * number + 1; }

OffloadEntry entry_to_peer(const OffloadBinding& binding, std::uint32_t number);
OffloadEntry entry_to_client(const OffloadBinding& binding, std::uint32_t number);

} // namespace turnd
