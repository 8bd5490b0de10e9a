#include "libcore/stun/nonce.h"

#include <algorithm>
#include <optional>

#include "libcore/stun/integrity.h"

namespace stun {
namespace {

constexpr std::string_view kCookie = "obMatJos2";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kFeatureCharacters = 4;
constexpr std::size_t kTimeCharacters = 6;
constexpr std::size_t kTagBytes = 10;
// A nonce from the future is nobody's but a clock's that was set back between two answers.
constexpr std::uint32_t kClockStepSeconds = 5;

// Base64 without padding; returns the end of what was written.
char* encode(core::Bytes bytes, char* out) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6; count -= 6) *out++ = kAlphabet[(bits >> (count - 6)) & 0x3f];
  }
  if (count > 0) *out++ = kAlphabet[(bits << (6 - count)) & 0x3f];
  return out;
}

std::optional<std::uint32_t> decode_time(std::string_view six) {
  std::uint64_t bits = 0;
  for (const char c : six) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | value;
  }
  return static_cast<std::uint32_t>(bits >> 4);
}

} // namespace

NonceMaker::Nonce NonceMaker::make_at(const core::IpAddress& client, std::uint32_t seconds) const {
  std::array<std::uint8_t, 3 + 4 + 1 + 16> signed_bytes{};
  core::ByteWriter writer(signed_bytes);
  writer.u8(static_cast<std::uint8_t>(features_ >> 16));
  writer.u16(static_cast<std::uint16_t>(features_));
  writer.u32(seconds);
  writer.u8(client.family == core::Family::ipv4 ? 4 : 6);
  writer.bytes(client.octets);
  const auto tag = hmac_sha256(key_, signed_bytes);

  Nonce nonce{};
  char* out = std::copy(kCookie.begin(), kCookie.end(), nonce.data());
  out = encode(core::Bytes(signed_bytes).first(3), out);
  out = encode(core::Bytes(signed_bytes).subspan(3, 4), out);
  encode(core::Bytes(tag).first(kTagBytes), out);
  return nonce;
}

NonceMaker::Nonce NonceMaker::make(const core::IpAddress& client, core::WallTime now) const {
  return make_at(client, static_cast<std::uint32_t>(now.time_since_epoch().count()));
}

bool NonceMaker::is_fresh(std::string_view nonce, const core::IpAddress& client,
                          core::WallTime now) const {
  if (nonce.size() != kNonceBytes) return false;
  const auto made = decode_time(nonce.substr(kCookie.size() + kFeatureCharacters, kTimeCharacters));
  if (!made) return false;
  const Nonce expected = make_at(client, *made);
  if (!core::equal_in_constant_time(core::bytes_of(nonce), core::bytes_of(text_of(expected)))) {
    return false;
  }
  const auto age = static_cast<std::uint32_t>(now.time_since_epoch().count()) - *made; // may wrap
  return age <= static_cast<std::uint32_t>(lifetime_.count()) || 0U - age <= kClockStepSeconds;
}

} // namespace stun
