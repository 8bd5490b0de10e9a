// ChannelData (RFC 8656 section 12.4): four bytes of header instead of the 36 or more of an
// indication.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |0 1| channel number            |     length (without padding)  |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |   payload                                                 ...
#pragma once

#include <cstdint>
#include <optional>

#include "libcore/base/bytes.h"

namespace stun {

inline constexpr std::size_t kChannelHeaderBytes = 4;
inline constexpr std::uint16_t kFirstChannel = 0x4000;
inline constexpr std::uint16_t kLastChannel = 0x4fff;
inline constexpr std::uint16_t kLastChannelRfc5766 = 0x7fff; // before RFC 8656 reserved the rest

// The top two bits tell ChannelData from STUN.
inline bool looks_like_channel_data(core::Bytes bytes) {
  return !bytes.empty() && (bytes[0] & 0xc0) == 0x40;
}

struct ChannelData {
  std::uint16_t number = 0;
  core::Bytes payload; // borrowed from what was parsed; may be empty
};

// One datagram, or one frame of a stream. Padding behind the payload is allowed (section 12.5).
inline std::optional<ChannelData> parse_channel_data(core::Bytes bytes) {
  if (bytes.size() < kChannelHeaderBytes || !looks_like_channel_data(bytes)) return std::nullopt;
  const std::size_t length = core::load16(bytes.data() + 2);
  if (length > bytes.size() - kChannelHeaderBytes) return std::nullopt;
  return ChannelData{core::load16(bytes.data()), bytes.subspan(kChannelHeaderBytes, length)};
}

// Writes kChannelHeaderBytes at `place`.
inline void write_channel_header(std::uint8_t* place, std::uint16_t number, std::size_t payload) {
  core::store16(place, number);
  core::store16(place + 2, static_cast<std::uint16_t>(payload));
}

} // namespace stun
