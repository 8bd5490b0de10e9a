#include "rproxyd/guard/client_network.h"

#include <fmt/format.h>

#include <algorithm>

#include "rproxyd/http/text.h"

namespace rproxyd {

std::string ClientNetwork::to_string() const {
  if (base.family == core::Family::ipv4) return base.to_string();
  return fmt::format("{}/{}", base.to_string(), prefix);
}

ClientNetwork network_of(const core::IpAddress& address) {
  const core::IpAddress real = address.canonical();
  if (real.family == core::Family::ipv4) return {.base = real, .prefix = 32};
  return widened({.base = real, .prefix = 128}, 64);
}

ClientNetwork widened(const ClientNetwork& network, std::uint8_t prefix) {
  ClientNetwork wider{.base = network.base, .prefix = prefix};
  std::fill(wider.base.octets.begin() + prefix / 8, wider.base.octets.end(), std::uint8_t{0});
  return wider;
}

std::optional<ClientNetwork> parse_client_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = core::IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const ClientNetwork own = network_of(*address);
  if (slash == std::string_view::npos) return own;
  const auto prefix = parse_decimal(text.substr(slash + 1));
  if (!prefix) return std::nullopt;
  if (own.base.family == core::Family::ipv4) {
    if (*prefix != 32) return std::nullopt;
    return own;
  }
  if (*prefix == 128 || *prefix == 64) return own;
  if (*prefix != kSitePrefix && *prefix != kOrganisationPrefix) return std::nullopt;
  return widened(own, static_cast<std::uint8_t>(*prefix));
}

} // namespace rproxyd
