#include "libcore/base/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace core {

std::optional<Network> Network::parse(std::string_view text) {
  if (text == "any") return any();
  Network network;
  const auto slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  network.base_ = *ip;
  const unsigned longest = ip->family == Family::ipv4 ? 32 : 128;
  network.prefix_ = longest;
  if (slash == std::string_view::npos) return network;

  const auto digits = text.substr(slash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix_);
  if (error != std::errc{} || end != digits.data() + digits.size() || network.prefix_ > longest) {
    return std::nullopt;
  }
  return network;
}

Network Network::any() {
  Network network;
  network.prefix_ = 0;
  network.any_ = true;
  return network;
}

bool Network::contains(const IpAddress& ip) const {
  if (any_) return true;
  if (ip.family != base_.family) return false;
  const std::size_t whole = prefix_ / 8;
  if (!std::equal(ip.octets.begin(), ip.octets.begin() + static_cast<std::ptrdiff_t>(whole),
                  base_.octets.begin())) {
    return false;
  }
  const unsigned rest = prefix_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((ip.octets[whole] ^ base_.octets[whole]) & mask) == 0;
}

std::string Network::to_string() const {
  return any_ ? "any" : fmt::format("{}/{}", base_.to_string(), prefix_);
}

bool NetworkList::contains(const IpAddress& ip) const {
  return std::ranges::any_of(networks_, [&](const Network& n) { return n.contains(ip); });
}

std::optional<unsigned> NetworkList::longest_prefix(const IpAddress& ip) const {
  std::optional<unsigned> longest;
  for (const Network& network : networks_) {
    if (network.contains(ip)) longest = std::max(longest.value_or(0), network.prefix());
  }
  return longest;
}

} // namespace core
