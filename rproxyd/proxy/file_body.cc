#include "rproxyd/proxy/file_body.h"

#include <algorithm>
#include <utility>

namespace rproxyd {

FileBody::Step FileBody::advance(ClientSession& client, StreamId stream) {
  while (current_ < pieces_.size()) {
    if (client.queued(stream) >= kAnswerHighWater) return Step::waiting;
    BodyPiece& piece = pieces_[current_];
    if (!piece.text.empty()) {
      const std::string text = std::exchange(piece.text, {});
      sent_ += text.size();
      client.send_body(stream, core::bytes_of(text));
      continue;
    }
    if (piece.length == 0) {
      ++current_;
      continue;
    }
    const auto bytes = file_->read(piece.offset, piece.length);
    if (!bytes) return Step::waiting;
    if (bytes->empty()) return Step::broken;
    piece.offset += bytes->size();
    piece.length -= bytes->size();
    sent_ += bytes->size();
    client.send_body(stream, *bytes);
  }
  return Step::done;
}

} // namespace rproxyd
