// Any bytes as a stream: cut into pieces of any size it must give the same frames, or the same
// error, as in one piece.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "libcore/stun/framing.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<std::vector<std::uint8_t>> frames;
  std::optional<stun::FramingError> error;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome split(core::Bytes stream, std::size_t piece, std::size_t longest) {
  Outcome outcome;
  stun::FrameSplitter splitter;
  while (!stream.empty() && !outcome.error) {
    const core::Bytes first = stream.first(std::min(piece, stream.size()));
    stream = stream.subspan(first.size());
    const auto fed = splitter.feed(first, longest, [&](core::Bytes frame) {
      must(frame.size() >= 4 && frame.size() <= longest);
      outcome.frames.emplace_back(frame.begin(), frame.end());
      return stun::FrameSplitter::Next::go_on;
    });
    must(splitter.kept() < longest);
    splitter.release();
    if (!fed) outcome.error = fed.error();
  }
  return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 32U;
  const std::size_t longest = data[1] % 2 == 0 ? stun::kLongestFrame : 64;
  const core::Bytes stream(data + 2, size - 2);
  must(split(stream, piece, longest) == split(stream, stream.size() + 1, longest));
  return 0;
}
