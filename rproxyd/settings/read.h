// The reader behind load(): from the root of rproxyd.json to Settings. What is wrong is noted with
// the reading; the settings are of use only when nothing is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libcore/config/value.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

inline constexpr std::uint64_t kMaxLeastRate = std::uint64_t{1024} * 1024; // bytes a second
inline constexpr unsigned kMaxWorkers = 256;
inline constexpr std::size_t kMaxListeners = 64;
inline constexpr std::size_t kMaxCertificates = 64; // of one listener
inline constexpr std::size_t kMaxPools = 64;
inline constexpr std::size_t kMaxServers = 256; // of one pool
inline constexpr unsigned kMaxWeight = 256;     // of a server
inline constexpr std::size_t kMaxNameServers = 8;
inline constexpr std::size_t kMaxRoutes = 1024;
inline constexpr std::size_t kMaxHosts = 64;   // of one route
inline constexpr std::size_t kMaxMethods = 16; // of one route
inline constexpr std::size_t kMaxIndexFiles = 8;
inline constexpr std::size_t kMaxTypes = 256;                          // of one route
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024; // of a fixed answer's body
inline constexpr std::size_t kMaxIceServers = 256;
inline constexpr std::size_t kMaxIceUrls = 8; // of one server
inline constexpr unsigned kMaxIceServersTold = 8;
inline constexpr std::size_t kMaxOrigins = 64;
inline constexpr std::size_t kMaxAnswerHeaders = 32;
inline constexpr std::uint64_t kMaxLeastBytes = std::uint64_t{1024} * 1024; // of compression
inline constexpr std::size_t kMaxBrandingPaths = 256;
inline constexpr std::size_t kMaxTokenPaths = 64;
inline constexpr std::size_t kLeastTicketSecret = 32;
inline constexpr std::uint64_t kMinHeaderBytes = 1024; // less would refuse browsers
inline constexpr std::uint64_t kMaxConnections = 10'000'000;
inline constexpr std::uint64_t kMaxBodyBytes = std::uint64_t{1} << 50; // 1 PiB; or none

Settings read(const config::Value& root);

} // namespace rproxyd
