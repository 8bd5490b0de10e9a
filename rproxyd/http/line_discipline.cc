#include "rproxyd/http/line_discipline.h"

#include <cstring>

namespace rproxyd {
namespace {

// How many bytes at the front are certainly no control bytes, looked at by eight.
std::size_t plain_bytes(core::Bytes bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x80 * kEach;
  std::size_t plain = 0;
  for (; plain + sizeof(std::uint64_t) <= bytes.size(); plain += sizeof(std::uint64_t)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes.data() + plain, sizeof eight);
    const std::uint64_t del = eight ^ (0x7f * kEach);
    const std::uint64_t below_space = (eight - 0x20 * kEach) & ~eight & kHigh;
    const std::uint64_t is_del = (del - kEach) & ~del & kHigh;
    if ((below_space | is_del) != 0) break;
  }
  return plain;
}

} // namespace

void LineDiscipline::begin() { *this = LineDiscipline(); }

std::optional<std::string_view> LineDiscipline::check(core::Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (place_ == Place::inside) {
      const std::size_t plain = plain_bytes(bytes.subspan(i));
      if (plain > 0) line_is_empty_ = false;
      if (!first_line_ended_) first_line_bytes_ += plain;
      i += plain;
      if (i == bytes.size()) break;
    }
    const std::uint8_t byte = bytes[i];
    if (place_ == Place::after_cr) {
      if (byte != '\n') return "a carriage return that does not end a line";
      place_ = Place::start;
      line_was_empty_ = line_is_empty_;
      line_is_empty_ = true;
      if (first_line_bytes_ > 0) first_line_ended_ = true;
      continue;
    }
    if (byte == '\r') {
      place_ = Place::after_cr;
      continue;
    }
    if (byte == '\n') return "a line that ends in a bare line feed";
    if (byte == 0) return "a NUL byte";
    if ((byte < ' ' && byte != '\t') || byte == 0x7f) return "a control byte";
    if (place_ == Place::start && (byte == ' ' || byte == '\t')) {
      return "a line that begins with white space";
    }
    place_ = Place::inside;
    line_is_empty_ = false;
    if (!first_line_ended_) ++first_line_bytes_;
  }
  return std::nullopt;
}

} // namespace rproxyd
