// What is kept of a user instead of the password: the keys of all the ways in which clients make one
// from it.
#pragma once

#include <optional>
#include <string_view>

#include "libcore/stun/integrity.h"

namespace stun {

struct UserKeys {
  Key md5; // RFC 5389, and RFC 8489 with MD5
  // RFC 8489. Of a user whose password nobody has typed here, since another server's keys were taken
  // over, there is none.
  std::optional<Key> sha256;
  // Of clients of RFC 5389, where SASLprep makes something else of name or password than OpaqueString.
  std::optional<Key> md5_saslprep;
};

// nullopt: one of the three can't be prepared, so no client could have it (opaque_string.h).
std::optional<UserKeys> user_keys(std::string_view username, std::string_view realm,
                                  std::string_view password);

} // namespace stun
