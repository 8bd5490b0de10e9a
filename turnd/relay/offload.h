// What of a relay may be done by something faster than its sockets, and what is told of it:
// docs/decisions/0070-relaying-in-the-kernel.md.
#pragma once

#include <cstdint>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace turnd {

// A channel of a UDP client's, with all that its packets need: ChannelData of `channel` from `client` to
// `server` leaves as UDP from `relay` to `peer`, and the other way round.
struct OffloadBinding {
  core::SocketAddress client;
  core::SocketAddress server;
  core::SocketAddress relay;
  core::SocketAddress peer;
  std::uint16_t channel = 0;

  friend bool operator==(const OffloadBinding&, const OffloadBinding&) = default;
};

// Of one worker's bindings; a number comes again when its binding's end has been confirmed.
enum class OffloadNumber : std::uint32_t {};

// From now on packets of the binding need not come here, until it expires. Call offload_refused() if
// nothing comes of it.
struct BeginOffload {
  OffloadNumber number{};
  OffloadBinding binding;
  core::TimePoint expires;
};

// It expires then, which is later or earlier than was said.
struct MoveOffload {
  OffloadNumber number{};
  core::TimePoint expires;
};

// All its packets come here again. Call offload_ended() with what has been counted in the end.
struct EndOffload {
  OffloadNumber number{};
};

} // namespace turnd
