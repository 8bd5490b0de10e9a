// Nonces without state: the server can tell its own from others', and how old one is, without
// keeping any (RFC 8489 section 9.2, which also gives the start of the text its meaning).
//
//   "obMatJos2" | 4 characters: security features | 6 characters: time | 14 characters: tag
//
// The time is in seconds, 32 bits; the tag is an HMAC-SHA256 over features, time and the client's
// IP address with a random key, cut to 80 bits; all three in base64 without padding.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace stun {

// Section 9.2.1: bits of the security feature set, the first bit being the highest of 24.
inline constexpr std::uint32_t kFeaturePasswordAlgorithms = 1U << 23;
inline constexpr std::uint32_t kFeatureUsernameAnonymity = 1U << 22;

class NonceMaker {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 9 + 4 + 6 + 14;
  using Key = std::array<std::uint8_t, kKeyBytes>;
  using Nonce = std::array<char, kNonceBytes>;

  // `key` is random; every worker of a process has the same, so that a client may come to any.
  NonceMaker(const Key& key, std::uint32_t features, std::chrono::seconds lifetime)
      : key_(key), features_(features), lifetime_(lifetime) {}

  Nonce make(const core::IpAddress& client, core::WallTime now) const;
  // Whether it was made by this key for this client, at most `lifetime` ago.
  bool is_fresh(std::string_view nonce, const core::IpAddress& client, core::WallTime now) const;

 private:
  Nonce make_at(const core::IpAddress& client, std::uint32_t seconds) const;

  Key key_;
  std::uint32_t features_;
  std::chrono::seconds lifetime_;
};

inline std::string_view text_of(const NonceMaker::Nonce& nonce) {
  return {nonce.data(), nonce.size()};
}

} // namespace stun
