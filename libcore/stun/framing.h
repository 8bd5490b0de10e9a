// Cuts a TCP or TLS stream into STUN messages and ChannelData (RFC 8489 section 6.2.2, RFC 8656
// section 12.5): the top two bits tell which of the two comes, and each says how long it is.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <utility>
#include <vector>

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

// A stream's half frame, from one read to the next. Whole frames are handed on where they lie; only
// what a read leaves incomplete is copied.
class FrameSplitter {
 public:
  enum class Next : std::uint8_t { go_on, stop };

  // Calls on_frame(core::Bytes) -> Next for every frame that `bytes` completes, without its padding.
  // The frames lie in `bytes` or in the splitter, where they stay until release() or the next
  // feed(). After `stop` or an error the splitter must not be fed any more.
  template <typename OnFrame>
  std::expected<void, FramingError> feed(core::Bytes bytes, std::size_t longest,
                                         OnFrame&& on_frame) {
    while (!bytes.empty()) {
      if (kept_.empty()) {
        const auto found = first_frame(bytes, longest);
        if (!found) return std::unexpected(found.error());
        const std::optional<Frame> frame = *found;
        if (!frame) {
          kept_.assign(bytes.begin(), bytes.end());
          return {};
        }
        const core::Bytes whole = bytes.first(frame->size);
        bytes = bytes.subspan(frame->stride);
        if (on_frame(whole) == Next::stop) return stop_before(bytes);
        continue;
      }
      const auto found = complete(bytes, longest);
      if (!found) return std::unexpected(found.error());
      const std::optional<Frame> frame = *found;
      if (!frame) continue;
      completed_ = std::exchange(kept_, {}); // at most once a call: the rest lies in `bytes`
      if (on_frame(core::Bytes(completed_).first(frame->size)) == Next::stop) {
        return stop_before(bytes);
      }
    }
    return {};
  }

  // Gives the memory of the frame that was put together back.
  void release() { completed_ = {}; }

  std::size_t kept() const { return kept_.size(); }
  core::Bytes kept_bytes() const { return kept_; }

  // After `stop`: what came behind that frame, for another protocol; lies in the bytes of feed().
  core::Bytes rest() const { return rest_; }

 private:
  // Moves bytes behind what is kept, as many as are needed; the frame when it is whole.
  std::expected<std::optional<Frame>, FramingError> complete(core::Bytes& bytes,
                                                             std::size_t longest);

  std::expected<void, FramingError> stop_before(core::Bytes rest) {
    rest_ = rest;
    return {};
  }

  core::Bytes rest_;
  std::vector<std::uint8_t> kept_;
  std::vector<std::uint8_t> completed_;
};

} // namespace stun
