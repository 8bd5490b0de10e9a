// What is kept of a user instead of the password: the keys of all the ways in which clients make one
// from it.
#pragma once

#include <optional>
#include <string_view>

#include "libcore/stun/integrity.h"

namespace stun {

struct UserKeys {
  Key md5;    // RFC 5389, and RFC 8489 with MD5
  Key sha256; // RFC 8489
  // Of clients of RFC 5389, where SASLprep makes something else of name or password than OpaqueString.
  std::optional<Key> md5_saslprep;
};

// nullopt: one of the three can't be prepared, so no client could have it (opaque_string.h).
std::optional<UserKeys> user_keys(std::string_view username, std::string_view realm,
                                  std::string_view password);

} // namespace stun
