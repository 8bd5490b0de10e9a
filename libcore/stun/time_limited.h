// Time-limited credentials, as the draft "A REST API For Access To TURN Services" has them: who shares a
// secret with a server lets others in for a while, without a word to it.
#pragma once

#include <optional>
#include <string_view>

#include "libcore/base/secret.h"
#include "libcore/base/time.h"
#include "libcore/stun/integrity.h"

namespace stun {

// "expiry:user" or "expiry", the expiry in seconds since 1970.
struct TimeLimitedName {
  core::WallTime expiry;
  std::string_view user; // behind the colon; empty when there is none
};
std::optional<TimeLimitedName> parse_time_limited_name(std::string_view username);

// base64(HMAC-SHA1(secret, username)), or the same with HMAC-SHA256.
core::Secret time_limited_password(const core::Secret& secret, std::string_view username,
                                   Integrity hash = Integrity::sha1);

} // namespace stun
