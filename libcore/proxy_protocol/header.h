// The PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt): the few bytes with which a
// proxy begins a connection, and which say whose connection it really is.
//
//   version 1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
//   version 2   signature(12) | version 2, command(1) | family, protocol(1) | length(2) |
//               source and destination addresses, then ports | TLVs
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"

namespace proxy_protocol {

// The longest header that is read. The specification allows version 2 up to 64 KiB, for TLVs which
// nobody here looks at; those that proxies send have some hundred bytes.
inline constexpr std::size_t kLongestHeader = 4096;

enum class Error : std::uint8_t {
  not_a_header, // other bytes: what the proxied protocol itself begins with, perhaps
  malformed,    // begins as a header does, and breaks its rules
  too_long,     // longer than kLongestHeader
  wrong_checksum,
};

std::string_view describe(Error error);

// Addresses that are IPv4-mapped IPv6 ones, as proxies on dual-stack sockets send them, are given as
// the IPv4 addresses that they are.
struct Endpoints {
  core::SocketAddress source;      // the client
  core::SocketAddress destination; // where it connected to

  friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

struct Header {
  std::size_t size = 0; // in bytes, TLVs included: what was proxied begins behind it
  // None for LOCAL, UNKNOWN and UNSPEC, and for Unix sockets: the connection's own addresses count.
  std::optional<Endpoints> endpoints;
};

// The header at the start of a connection; nullopt while it is not wholly there. An error shows as
// soon as the first bytes tell. TLVs are skipped, but for a CRC-32c, which must be right.
std::expected<std::optional<Header>, Error> parse(core::Bytes start);

// What a proxy sends. Addresses of two families go as IPv6, the IPv4 one mapped.
class Encoded {
 public:
  static constexpr std::size_t kMaxBytes = 107; // the longest of version 1

  core::Bytes bytes() const { return core::Bytes(bytes_).first(size_); }

 private:
  friend Encoded encode_v1(const std::optional<Endpoints>& endpoints);
  friend Encoded encode_v2(const std::optional<Endpoints>& endpoints);
  std::array<std::uint8_t, kMaxBytes> bytes_{};
  std::size_t size_ = 0;
};

// Without endpoints UNKNOWN and LOCAL: a connection of the proxy's own, as for a health check.
Encoded encode_v1(const std::optional<Endpoints>& endpoints);
Encoded encode_v2(const std::optional<Endpoints>& endpoints);

} // namespace proxy_protocol
