// Nonces without state: the server can tell its own from others', how old one is, and what it
// offered with it, without keeping any (RFC 8489 section 9.2, which also gives the start of the text
// its meaning).
//
//   "obMatJos2" | 4 characters: security features | 3 characters: time | 8 characters: tag
//
// All three in base64. Of the time the lowest 18 bits, in seconds: three days, of which a nonce lives
// minutes. The tag is an HMAC-SHA256, cut to 48 bits, over features, the whole time and the client's
// transport address (section 9.2.4: no two of them get the same nonce) with a random key. Short,
// since an answer that nobody has paid for with a proof carries it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace stun {

// Section 9.2.1: the security feature set, 24 bits. Section 18.1 counts them from the left, and so does
// the example of RFC 8656 section 20; its verified erratum 6290 counts from the right, and so does
// appendix B.1. Clients exist for both (libjuice goes by the erratum), and each ignores the bits that
// it finds unassigned: so every feature has a bit on either side.
inline constexpr std::uint32_t kFeaturePasswordAlgorithms = 1U << 23 | 1U << 0;
inline constexpr std::uint32_t kFeatureUsernameAnonymity = 1U << 22 | 1U << 1;

class NonceMaker {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 9 + 4 + 3 + 8;
  using Key = std::array<std::uint8_t, kKeyBytes>;
  using Nonce = std::array<char, kNonceBytes>;

  // `key` is random; every worker of a process has the same, so that a client may come to any.
  NonceMaker(const Key& key, std::chrono::seconds lifetime) : key_(key), lifetime_(lifetime) {}

  // `features`: what the answer that carries it offers, 24 bits.
  Nonce make(const core::SocketAddress& client, std::uint32_t features, core::WallTime now) const;

  // The features that it was made with; nullopt unless it was made by this key for this client, at
  // most `lifetime` ago.
  std::optional<std::uint32_t> features_of(std::string_view nonce,
                                           const core::SocketAddress& client,
                                           core::WallTime now) const;

 private:
  Nonce make_at(const core::SocketAddress& client, std::uint32_t features,
                std::uint32_t seconds) const;

  Key key_;
  std::chrono::seconds lifetime_;
};

inline std::string_view text_of(const NonceMaker::Nonce& nonce) {
  return {nonce.data(), nonce.size()};
}

} // namespace stun
