// Range (RFC 9110 section 14).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rproxyd {

// More in one request are ignored, and the whole is sent (RFC 9110 section 14.2 allows that): many
// small or overlapping ranges cost far more than they give.
inline constexpr std::size_t kMaxRanges = 16;

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0; // never 0
  bool operator==(const ByteRange&) const = default;
};

struct RequestedRanges {
  enum class Kind : std::uint8_t {
    ignored,       // no byte ranges, malformed, or too many: the whole is sent
    satisfiable,   // `ranges`, in the order that was asked for
    unsatisfiable, // 416
  };
  Kind kind = Kind::ignored;
  std::vector<ByteRange> ranges = {};
};

// Of something that has `size` bytes.
RequestedRanges parse_range(std::string_view field, std::uint64_t size);

} // namespace rproxyd
