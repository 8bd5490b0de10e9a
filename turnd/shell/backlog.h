// What waits for a TCP or TLS client that reads more slowly than its peers send. Media that comes
// late is worse than media that doesn't come: what has waited too long is dropped, oldest first, and
// so is what would go beyond the limit, which is large enough for a burst of video key frames.
// Answers are never dropped.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "libcore/base/byte_queue.h"
#include "libcore/base/time.h"

namespace turnd {

class Backlog {
 public:
  static constexpr core::Duration kMaxAge = std::chrono::seconds(1);
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  // Answers that a client lets pile up: it doesn't read at all.
  static constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 10;

  enum class Kind : std::uint8_t { answer, data };

  // `dropped`: goes up with what is dropped; of the worker's.
  Backlog(core::ChunkPool& pool, std::uint64_t& dropped) : bytes_(pool), dropped_(dropped) {}

  // False: there are too many answers, the connection should end.
  bool add(core::Bytes frame, Kind kind, core::TimePoint now);

  bool empty() const { return frames_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::vector<std::uint8_t> copy() const { return bytes_.copy(); } // of the frames, in order

  // Calls write(core::Bytes) with the frames that are still worth sending, in order and perhaps in
  // pieces, until it says that it wants no more after this frame.
  template <typename Write>
  void take(core::TimePoint now, Write&& write) {
    bool more = true;
    while (more) {
      drop_old(now);
      if (frames_.empty()) return;
      std::size_t left = frames_.front().size;
      if (frames_.front().kind == Kind::answer) answer_bytes_ -= left;
      frames_.pop_front();
      while (left > 0) {
        const core::Bytes piece = bytes_.front();
        const std::size_t size = std::min(left, piece.size());
        more = write(piece.first(size));
        bytes_.consume(size);
        left -= size;
      }
    }
  }

 private:
  struct Frame {
    std::size_t size = 0;
    core::TimePoint since;
    Kind kind = Kind::data;
  };
  void drop_old(core::TimePoint now);
  void drop_first();

  core::ByteQueue bytes_;
  std::deque<Frame> frames_;
  std::size_t answer_bytes_ = 0;
  std::uint64_t& dropped_;
};

} // namespace turnd
