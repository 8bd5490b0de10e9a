// ChannelData that came on a stream, several at once or in parts: all are of one size.
#pragma once

#include <algorithm>
#include <array>

#include "libcore/base/bytes.h"
#include "libcore/stun/channel_data.h"
#include "tests/bench/load/arrivals.h"

namespace bench {

class StreamFrames {
 public:
  void read(core::Bytes bytes, std::size_t padded_payload, Arrivals& arrivals) {
    const std::size_t whole = stun::kChannelHeaderBytes + padded_payload;
    const std::int64_t now = nanoseconds();
    while (!bytes.empty()) {
      const std::size_t taken = std::min(whole - read_, bytes.size());
      for (std::size_t i = 0; i < taken && read_ + i < begin_.size(); ++i)
        begin_[read_ + i] = bytes[i];
      read_ += taken;
      bytes = bytes.subspan(taken);
      if (read_ < whole) return;
      arrivals.count(begin_.data() + stun::kChannelHeaderBytes, now);
      read_ = 0;
    }
  }

 private:
  std::size_t read_ = 0; // of a frame
  std::array<std::uint8_t, stun::kChannelHeaderBytes + sizeof(std::int64_t)> begin_{};
};

} // namespace bench
