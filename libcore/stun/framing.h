// Cuts a TCP or TLS stream into STUN messages and ChannelData (RFC 8489 section 6.2.2, RFC 8656
// section 12.5): the top two bits tell which of the two comes, and each says how long it is.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "libcore/base/bytes.h"

namespace stun {

enum class FramingError {
  neither,  // not STUN and not ChannelData: the stream can't be understood any more
  too_long, // longer than the caller allows
};

struct Frame {
  std::size_t size;   // the message, or the ChannelData with its header, without padding
  std::size_t stride; // where the next frame begins: with padding
};

// The longest frame there can be: a STUN message of the longest length.
inline constexpr std::size_t kLongestFrame = 20 + 65532;

// The frame at the start of `buffered`; nullopt while it is not wholly there. An error shows as
// soon as the first bytes tell, so that nobody waits, or keeps bytes, for what can't become a
// frame. `longest` limits how many bytes a half frame may make the caller hold.
std::expected<std::optional<Frame>, FramingError> first_frame(core::Bytes buffered,
                                                              std::size_t longest = kLongestFrame);

} // namespace stun
