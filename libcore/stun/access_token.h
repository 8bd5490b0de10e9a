// Third-party authorization (RFC 7635 section 6.2): a token from an authorization server that the
// client can't read, with the key that the client signs with.
//
//   16 bits: length of the nonce | nonce | what AEAD makes, with the server's name as its associated
//   data, of:
//
//     16 bits: length of the key | mac_key | 64 bits: timestamp | 32 bits: lifetime in seconds
//
// The timestamp counts seconds since 1970 in its upper 48 bits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "libcore/base/bytes.h"
#include "libcore/base/time.h"
#include "libcore/stun/integrity.h"

namespace stun {

enum class TokenAlgorithm : std::uint8_t { a128gcm, a256gcm };

constexpr std::size_t key_bytes_of(TokenAlgorithm algorithm) {
  return algorithm == TokenAlgorithm::a128gcm ? 16 : 32;
}

struct AccessToken {
  Key mac_key;
  core::WallTime made;
  std::chrono::seconds lifetime{};

  core::WallTime expiry() const { return made + lifetime; }
};

// `key` has key_bytes_of(algorithm). nullopt: not from someone with this key for this server, or not
// a token.
std::optional<AccessToken> open_access_token(core::Bytes value, TokenAlgorithm algorithm,
                                             core::Bytes key, std::string_view server_name);

} // namespace stun
