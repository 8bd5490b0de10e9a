// The reader behind load(): from the root of turnd.json to Settings. What is wrong is noted with
// the reading; the settings are of use only when nothing is.
#pragma once

#include "libcore/config/value.h"
#include "turnd/settings/settings.h"

namespace turnd {

inline constexpr unsigned kMaxWorkers = 256;
inline constexpr std::size_t kMaxListeners = 64;
inline constexpr std::size_t kMaxRelayAddresses = 64;
inline constexpr std::size_t kMaxExternalAddresses = 1024; // of a whole fleet
inline constexpr std::size_t kMaxAlternateServers = 64;
inline constexpr std::size_t kMaxDomainBytes = 255; // RFC 8489 section 14.16
inline constexpr std::size_t kMaxCertificates = 16; // of one listener

Settings read(const config::Value& root);

} // namespace turnd
