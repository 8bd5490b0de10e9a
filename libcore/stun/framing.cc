#include "libcore/stun/framing.h"

#include <algorithm>

#include "libcore/stun/attributes.h"
#include "libcore/stun/channel_data.h"

namespace stun {
namespace {

// Enough of a frame to know how long it is, and never more than the shortest frame has.
std::size_t bytes_that_tell(core::Bytes start) {
  return looks_like_channel_data(start) ? kChannelHeaderBytes : 8;
}

std::expected<std::optional<Frame>, FramingError> frame_of(std::size_t size, std::size_t longest) {
  if (padded(size) > longest) return std::unexpected(FramingError::too_long);
  return Frame{size, padded(size)};
}

// The frame that these bytes begin, whether or not it is all there; nullopt while they don't tell.
std::expected<std::optional<Frame>, FramingError> measure(core::Bytes start, std::size_t longest) {
  if (start.empty()) return std::nullopt;
  if (looks_like_channel_data(start)) {
    if (start.size() < kChannelHeaderBytes) return std::nullopt;
    return frame_of(kChannelHeaderBytes + core::load16(start.data() + 2), longest);
  }
  if ((start[0] & 0xc0) != 0) return std::unexpected(FramingError::neither);

  if (start.size() < 4) return std::nullopt;
  const std::size_t length = core::load16(start.data() + 2);
  if (length % 4 != 0) return std::unexpected(FramingError::neither);
  if (start.size() < 8) return std::nullopt;
  if (core::load32(start.data() + 4) != kMagicCookie) {
    return std::unexpected(FramingError::neither);
  }
  return frame_of(kHeaderBytes + length, longest);
}

} // namespace

std::expected<std::optional<Frame>, FramingError> first_frame(core::Bytes buffered,
                                                              std::size_t longest) {
  const auto measured = measure(buffered, longest);
  if (!measured) return measured;
  const std::optional<Frame> frame = *measured;
  if (frame && frame->stride > buffered.size()) return std::nullopt;
  return frame;
}

std::expected<std::optional<Frame>, FramingError> FrameSplitter::complete(core::Bytes& bytes,
                                                                          std::size_t longest) {
  const auto measured = measure(kept_, longest);
  if (!measured) return measured;
  const std::optional<Frame> frame = *measured;
  const std::size_t wanted = frame ? frame->stride : bytes_that_tell(kept_);
  const std::size_t taken = std::min(wanted - kept_.size(), bytes.size());
  kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  bytes = bytes.subspan(taken);
  return first_frame(kept_, longest);
}

} // namespace stun
