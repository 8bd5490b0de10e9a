#include "libcore/stun/nonce.h"

#include <algorithm>

#include "libcore/stun/integrity.h"

namespace stun {
namespace {

constexpr std::string_view kCookie = "obMatJos2";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kFeatureCharacters = 4;
constexpr std::size_t kTimeCharacters = 3;
constexpr std::size_t kTagCharacters = 8;
constexpr std::uint32_t kTimeMask = (1U << (6 * kTimeCharacters)) - 1;
// A nonce from the future is nobody's but a clock's that was set back between two answers.
constexpr std::uint32_t kClockStepSeconds = 5;

// The lowest 6 * `characters` bits; returns the end of what was written.
char* encode(std::uint64_t bits, std::size_t characters, char* out) {
  for (std::size_t left = characters; left > 0; --left) {
    *out++ = kAlphabet[(bits >> (6 * (left - 1))) & 0x3f];
  }
  return out;
}

std::optional<std::uint32_t> decode(std::string_view text) {
  std::uint32_t bits = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
  }
  return bits;
}

std::uint32_t seconds_of(core::WallTime time) {
  return static_cast<std::uint32_t>(time.time_since_epoch().count());
}

} // namespace

NonceMaker::Nonce NonceMaker::make_at(const core::SocketAddress& client, std::uint32_t features,
                                      std::uint32_t seconds) const {
  const core::IpAddress ip = client.ip();
  std::array<std::uint8_t, 4 + 4 + 1 + 16 + 2> signed_bytes{};
  core::ByteWriter writer(signed_bytes);
  writer.u32(features);
  writer.u32(seconds);
  writer.u8(ip.family == core::Family::ipv4 ? 4 : 6);
  writer.bytes(ip.octets);
  writer.u16(client.port());
  const auto tag = hmac_sha256(key_, signed_bytes);
  const std::uint64_t tag_bits =
      (std::uint64_t{core::load32(tag.data())} << 16) | core::load16(tag.data() + 4);

  Nonce nonce{};
  char* out = std::copy(kCookie.begin(), kCookie.end(), nonce.data());
  out = encode(features, kFeatureCharacters, out);
  out = encode(seconds & kTimeMask, kTimeCharacters, out);
  encode(tag_bits, kTagCharacters, out);
  return nonce;
}

NonceMaker::Nonce NonceMaker::make(const core::SocketAddress& client, std::uint32_t features,
                                   core::WallTime now) const {
  return make_at(client, features, seconds_of(now));
}

std::optional<std::uint32_t> NonceMaker::features_of(std::string_view nonce,
                                                     const core::SocketAddress& client,
                                                     core::WallTime now) const {
  if (nonce.size() != kNonceBytes) return std::nullopt;
  const auto features = decode(nonce.substr(kCookie.size(), kFeatureCharacters));
  const auto low_time = decode(nonce.substr(kCookie.size() + kFeatureCharacters, kTimeCharacters));
  if (!features || !low_time) return std::nullopt;

  // The latest time with these low bits that a clock can have shown when it was made.
  const std::uint32_t latest = seconds_of(now) + kClockStepSeconds;
  const std::uint32_t age = (latest - *low_time) & kTimeMask;
  if (age > static_cast<std::uint32_t>(lifetime_.count()) + kClockStepSeconds) return std::nullopt;
  const Nonce expected = make_at(client, *features, latest - age);
  if (!core::equal_in_constant_time(core::bytes_of(nonce), core::bytes_of(text_of(expected)))) {
    return std::nullopt;
  }
  return features;
}

} // namespace stun
