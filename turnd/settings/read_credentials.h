// Who may relay: the part of turnd.json that says so.
#pragma once

#include <optional>
#include <string>

#include "libcore/config/value.h"
#include "turnd/settings/settings.h"

namespace turnd {

inline constexpr std::size_t kMaxUsers = 10000; // of the configuration file
// Each is tried on a time-limited name that none of them fits: the work that a stranger can ask for.
inline constexpr std::size_t kMaxSharedSecrets = 16;
inline constexpr std::size_t kMaxRealmBytes = 127; // RFC 8489 section 14.9: less than 128
inline constexpr std::size_t kMaxUserBytes = 508;  // RFC 8489 section 14.3: less than 509

// Parsers; what they give is prepared (libcore/stun/opaque_string.h).
std::optional<std::string> realm(const config::Value& value);
std::optional<std::string> user_name(const config::Value& key);

// `realm`: the one that the keys of a users file must be for.
void read_credentials(const config::Value& value, const std::string& realm,
                      Settings::Credentials& credentials);

} // namespace turnd
