#include "libcore/stun/framing.h"

#include "libcore/stun/attributes.h"
#include "libcore/stun/channel_data.h"

namespace stun {
namespace {

std::expected<std::optional<Frame>, FramingError> whole_or_wait(core::Bytes buffered,
                                                                std::size_t size,
                                                                std::size_t longest) {
  const std::size_t stride = padded(size);
  if (stride > longest) return std::unexpected(FramingError::too_long);
  if (buffered.size() < stride) return std::nullopt;
  return Frame{size, stride};
}

} // namespace

std::expected<std::optional<Frame>, FramingError> first_frame(core::Bytes buffered,
                                                              std::size_t longest) {
  if (buffered.empty()) return std::nullopt;
  if (looks_like_channel_data(buffered)) {
    if (buffered.size() < kChannelHeaderBytes) return std::nullopt;
    const std::size_t size = kChannelHeaderBytes + core::load16(buffered.data() + 2);
    return whole_or_wait(buffered, size, longest);
  }
  if ((buffered[0] & 0xc0) != 0) return std::unexpected(FramingError::neither);

  if (buffered.size() < 4) return std::nullopt;
  const std::size_t length = core::load16(buffered.data() + 2);
  if (length % 4 != 0) return std::unexpected(FramingError::neither);
  if (buffered.size() < 8) return std::nullopt;
  if (core::load32(buffered.data() + 4) != kMagicCookie) {
    return std::unexpected(FramingError::neither);
  }
  return whole_or_wait(buffered, kHeaderBytes + length, longest);
}

} // namespace stun
