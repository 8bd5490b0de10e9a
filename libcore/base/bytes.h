// Views of bytes, a cursor that fails instead of reading past the end, and a writer that fails
// instead of writing past it. Numbers are in network byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace core {

using Bytes = std::span<const std::uint8_t>;  // borrowed, read only
using MutableBytes = std::span<std::uint8_t>; // borrowed, may be changed in place

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Unaligned loads and stores; the caller has checked the length.
inline std::uint16_t load16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
inline std::uint32_t load32(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) |
         std::uint32_t{p[3]};
}
inline void store16(std::uint8_t* p, std::uint16_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
inline void store32(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 24);
  p[1] = static_cast<std::uint8_t>(v >> 16);
  p[2] = static_cast<std::uint8_t>(v >> 8);
  p[3] = static_cast<std::uint8_t>(v);
}

// Reads from the front of a span. Every read says whether there was enough.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  std::optional<std::uint8_t> u8();
  std::optional<std::uint16_t> u16();
  std::optional<std::uint32_t> u32();
  std::optional<std::uint64_t> u64();
  std::optional<Bytes> take(std::size_t count); // borrows from the span given at construction
  bool skip(std::size_t count) { return take(count).has_value(); }

  Bytes rest() const { return rest_; }
  std::size_t size() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }

 private:
  Bytes rest_;
};

// Appends to a span of fixed size. After a write that did not fit, ok() is false and nothing more
// is written: check once, at the end.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes room) : room_(room) {}

  void u8(std::uint8_t v);
  void u16(std::uint16_t v);
  void u32(std::uint32_t v);
  void u64(std::uint64_t v);
  void bytes(Bytes v);
  void zeros(std::size_t count);

  bool ok() const { return ok_; }
  std::size_t size() const { return used_; }
  MutableBytes written() const { return room_.first(used_); }

 private:
  std::uint8_t* reserve(std::size_t count);

  MutableBytes room_;
  std::size_t used_ = 0;
  bool ok_ = true;
};

// Equal in time that depends on the length alone (for tokens and other secrets).
bool equal_in_constant_time(Bytes a, Bytes b);

} // namespace core
