// Keys and checks of STUN messages: MESSAGE-INTEGRITY (HMAC-SHA1), MESSAGE-INTEGRITY-SHA256 and
// FINGERPRINT (RFC 8489 sections 9.2.2, 14.5 to 14.7).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "libcore/base/bytes.h"
#include "libcore/stun/message.h"
#include "libcore/stun/password_algorithm.h"

namespace stun {

// A long-term credential's key: a password is never kept where its key will do. Wiped when gone.
class Key {
 public:
  Key() = default;
  explicit Key(core::Bytes bytes); // at most kMaxBytes
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key();

  core::Bytes bytes() const { return core::Bytes(bytes_).first(size_); }
  static constexpr std::size_t kMaxBytes = 32;

 private:
  std::array<std::uint8_t, kMaxBytes> bytes_{};
  std::uint8_t size_ = 0;
};

// MD5(username ":" realm ":" password) and its SHA-256 sister. The strings have been prepared
// (OpaqueString, RFC 8265) by the caller.
Key long_term_key(PasswordAlgorithm algorithm, std::string_view username, std::string_view realm,
                  std::string_view password);
Key long_term_key_md5(std::string_view username, std::string_view realm, std::string_view password);
Key long_term_key_sha256(std::string_view username, std::string_view realm,
                         std::string_view password);

// SHA-256(username ":" realm): names a user to those alone who know the name (section 14.4).
using Userhash = std::array<std::uint8_t, 32>;
Userhash userhash_of(std::string_view username, std::string_view realm);

// Which attribute a message is signed with: MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256.
enum class Integrity : std::uint8_t { sha1, sha256 };

// The message carries the attribute and it is right; compared in constant time. Section 14.6: a
// usage may allow MESSAGE-INTEGRITY-SHA256 to be cut, down to 16 bytes; TURN doesn't.
inline constexpr std::size_t kWholeIntegritySha256 = 32;
bool has_valid_integrity(const Message& message, core::Bytes key);
bool has_valid_integrity_sha256(const Message& message, core::Bytes key,
                                std::size_t least_bytes = kWholeIntegritySha256);
bool has_valid_integrity(Integrity kind, const Message& message, core::Bytes key);

// True as well when there is no FINGERPRINT: its absence is nobody's fault.
bool fingerprint_is_right_or_absent(const Message& message);

// What a builder appends. `before` is the message up to the attribute; its length field is taken
// as if the attribute were the last one.
using HmacSha1 = std::array<std::uint8_t, 20>;
using HmacSha256 = std::array<std::uint8_t, 32>;
HmacSha1 integrity_of(core::Bytes before, core::Bytes key);
HmacSha256 integrity_sha256_of(core::Bytes before, core::Bytes key, std::size_t value_bytes = 32);
std::uint32_t fingerprint_of(core::Bytes before);

// Plain primitives for what stands on them (credentials, nonces).
HmacSha1 hmac_sha1(core::Bytes key, core::Bytes data);
HmacSha256 hmac_sha256(core::Bytes key, core::Bytes data);

} // namespace stun
