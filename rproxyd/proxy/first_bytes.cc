#include "rproxyd/proxy/first_bytes.h"

#include <array>

namespace rproxyd {
namespace {

constexpr std::array<std::uint8_t, 4> kMagicCookie = {0x21, 0x12, 0xa4, 0x42};
constexpr std::size_t kCookieAt = 4;

} // namespace

// No method of HTTP begins with a byte below 0x40, but an empty line may come before it.
FirstBytes what_begins_with(core::Bytes bytes) {
  if (bytes.empty()) return FirstBytes::undecided;
  if (bytes[0] >= 0x40 || bytes[0] == '\r' || bytes[0] == '\n') return FirstBytes::http;
  if (bytes.size() > 3 && bytes[3] % 4 != 0) return FirstBytes::http; // padded to four
  for (std::size_t i = 0; i < kMagicCookie.size(); ++i) {
    if (bytes.size() <= kCookieAt + i) return FirstBytes::undecided;
    if (bytes[kCookieAt + i] != kMagicCookie[i]) return FirstBytes::http;
  }
  return FirstBytes::turn;
}

} // namespace rproxyd
