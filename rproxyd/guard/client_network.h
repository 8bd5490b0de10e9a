// The network that stands for a client: an IPv4 address, or the /64 in which an IPv6 client changes
// its address at will; and the wider ones, within which a site changes its /64.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/address.h"

namespace rproxyd {

struct ClientNetwork {
  core::IpAddress base; // the bits below the prefix are 0
  std::uint8_t prefix = 32;

  // "203.0.113.7", "2001:db8:1:2::/64".
  std::string to_string() const;
  friend bool operator==(const ClientNetwork&, const ClientNetwork&) = default;
  friend auto operator<=>(const ClientNetwork&, const ClientNetwork&) = default;
};

inline constexpr std::uint8_t kSitePrefix = 56; // what a household gets
inline constexpr std::uint8_t kOrganisationPrefix = 48;

ClientNetwork network_of(const core::IpAddress& address);
// `network` is an IPv6 one with a longer prefix.
ClientNetwork widened(const ClientNetwork& network, std::uint8_t prefix);

// An address (of which the client's network is taken), or what to_string() gives. IPv6 prefixes are
// 64, 56 or 48.
std::optional<ClientNetwork> parse_client_network(std::string_view text);

struct ClientNetworkHash {
  std::size_t operator()(const ClientNetwork& n) const noexcept {
    return std::hash<core::IpAddress>{}(n.base) ^ (n.prefix * std::size_t{0x9e3779b97f4a7c15});
  }
};

} // namespace rproxyd
