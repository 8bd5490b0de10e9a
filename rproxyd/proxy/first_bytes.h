// What a client speaks on a port that HTTP and TURN share, told by its first decrypted bytes.
#pragma once

#include <cstdint>

#include "libcore/base/bytes.h"

namespace rproxyd {

enum class FirstBytes : std::uint8_t {
  undecided, // a few more bytes tell
  http,      // or nothing that is known: the HTTP session refuses it
  turn,      // a STUN message (RFC 8489 section 5): over TLS everything of TURN begins with one
};

// Bytes that it takes to be sure: the message type, the length and the magic cookie.
inline constexpr std::size_t kDecisiveBytes = 8;

FirstBytes what_begins_with(core::Bytes bytes);

} // namespace rproxyd
