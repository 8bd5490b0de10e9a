#include "rproxyd/http/h2_flood_guard.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace rproxyd {

bool FrameBudget::take(core::TimePoint now) {
  if (now > filled_at_) {
    const std::chrono::duration<double> passed = now - filled_at_;
    give(passed.count() * per_second_);
    filled_at_ = now;
  }
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

void FrameBudget::give(double more) { left_ = std::min(burst_, left_ + more); }

// A frame (RFC 9113 section 4.1): length 24 bits, type 8, flags 8, stream 31 after a reserved one,
// then `length` bytes of payload.
std::optional<std::string_view> H2FloodGuard::look_at(core::Bytes bytes, core::TimePoint now) {
  const auto skip = [&](std::size_t& left) {
    const std::size_t count = std::min(left, bytes.size());
    left -= count;
    bytes = bytes.subspan(count);
  };
  skip(preface_left_);
  while (!bytes.empty()) {
    if (header_size_ < kFrameHeaderBytes) {
      header_[header_size_++] = bytes[0];
      bytes = bytes.subspan(1);
      if (header_size_ < kFrameHeaderBytes) continue;
      payload_left_ = core::load32(header_.data()) >> 8;
      if (const auto flood = judge_frame(now)) return flood;
    } else {
      skip(payload_left_);
    }
    if (payload_left_ == 0) frame_ended();
  }
  return std::nullopt;
}

std::optional<std::string_view> H2FloodGuard::judge_frame(core::TimePoint now) {
  const std::uint8_t type = header_[3];
  const std::uint8_t flags = header_[4];
  const bool empty = payload_left_ == 0;
  switch (type) {
    case NGHTTP2_DATA:
      if (empty && (flags & NGHTTP2_FLAG_END_STREAM) == 0 && !empty_frames_.take(now))
        return "empty frames";
      break;
    case NGHTTP2_HEADERS:
      in_header_block_ = true;
      continuations_ = 0;
      window_updates_.give(kWindowUpdatesPerRequest);
      if (empty && (flags & NGHTTP2_FLAG_END_HEADERS) == 0 && !empty_frames_.take(now))
        return "empty frames";
      break;
    case NGHTTP2_CONTINUATION:
      if (++continuations_ > kContinuations) return "continuations";
      if (empty && (flags & NGHTTP2_FLAG_END_HEADERS) == 0 && !empty_frames_.take(now))
        return "empty frames";
      break;
    case NGHTTP2_RST_STREAM:
      if (!resets_.take(now)) return "resets";
      break;
    case NGHTTP2_WINDOW_UPDATE:
      if (!window_updates_.take(now)) return "window updates";
      break;
    default:
      if (!control_frames_.take(now)) return "control frames";
      break;
  }
  return std::nullopt;
}

void H2FloodGuard::frame_ended() {
  const bool of_a_block = header_[3] == NGHTTP2_HEADERS || header_[3] == NGHTTP2_CONTINUATION;
  if (of_a_block && (header_[4] & NGHTTP2_FLAG_END_HEADERS) != 0) in_header_block_ = false;
  header_size_ = 0;
}

} // namespace rproxyd
