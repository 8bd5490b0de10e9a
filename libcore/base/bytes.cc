#include "libcore/base/bytes.h"

#include <cstring>

namespace core {

std::optional<Bytes> ByteReader::take(std::size_t count) {
  if (count > rest_.size()) return std::nullopt;
  const Bytes taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

std::optional<std::uint8_t> ByteReader::u8() {
  const auto b = take(1);
  if (!b) return std::nullopt;
  return (*b)[0];
}

std::optional<std::uint16_t> ByteReader::u16() {
  const auto b = take(2);
  if (!b) return std::nullopt;
  return load16(b->data());
}

std::optional<std::uint32_t> ByteReader::u32() {
  const auto b = take(4);
  if (!b) return std::nullopt;
  return load32(b->data());
}

std::optional<std::uint64_t> ByteReader::u64() {
  const auto b = take(8);
  if (!b) return std::nullopt;
  return (std::uint64_t{load32(b->data())} << 32) | load32(b->data() + 4);
}

std::uint8_t* ByteWriter::reserve(std::size_t count) {
  if (!ok_ || count > room_.size() - used_) {
    ok_ = false;
    return nullptr;
  }
  std::uint8_t* place = room_.data() + used_;
  used_ += count;
  return place;
}

void ByteWriter::u8(std::uint8_t v) {
  if (auto* p = reserve(1)) *p = v;
}

void ByteWriter::u16(std::uint16_t v) {
  if (auto* p = reserve(2)) store16(p, v);
}

void ByteWriter::u32(std::uint32_t v) {
  if (auto* p = reserve(4)) store32(p, v);
}

void ByteWriter::u64(std::uint64_t v) {
  if (auto* p = reserve(8)) {
    store32(p, static_cast<std::uint32_t>(v >> 32));
    store32(p + 4, static_cast<std::uint32_t>(v));
  }
}

void ByteWriter::bytes(Bytes v) {
  if (v.empty()) return;
  if (auto* p = reserve(v.size())) std::memcpy(p, v.data(), v.size());
}

void ByteWriter::zeros(std::size_t count) {
  if (count == 0) return;
  if (auto* p = reserve(count)) std::memset(p, 0, count);
}

bool equal_in_constant_time(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

} // namespace core
