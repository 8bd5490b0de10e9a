#include "turnd/relay/peer_policy.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace turnd {
namespace {

// Networks that a relay on the Internet has no business in, unless they are allowed by name.
constexpr std::array<std::string_view, 24> kDenied{
    "0.0.0.0/8",      // this network, unspecified
    "10.0.0.0/8",     // RFC 1918
    "100.64.0.0/10",  // carrier-grade NAT, RFC 6598
    "127.0.0.0/8",    // loopback
    "169.254.0.0/16", // link-local
    "172.16.0.0/12",  // RFC 1918
    "192.0.0.0/24",   // IETF protocol assignments
    "192.168.0.0/16", // RFC 1918
    "198.18.0.0/15",  // benchmarking
    "224.0.0.0/4",    // multicast
    "240.0.0.0/4",    // reserved, broadcast
    "::/128",         // unspecified
    "::1/128",        // loopback
    "64:ff9b:1::/48", // local NAT64, RFC 8215
    "100::/64",       // discard
    "2001::/32",      // Teredo: an IPv4 address that nobody can check
    "2001:2::/48",    // benchmarking
    "2001:10::/28",   // ORCHID
    "2001:20::/28",   // ORCHIDv2
    "5f00::/16",      // segment routing
    "fc00::/7",       // unique local
    "fe80::/10",      // link-local
    "fec0::/10",      // site-local
    "ff00::/8",       // multicast
};

core::NetworkList built_in_list() {
  std::vector<core::Network> networks;
  networks.reserve(kDenied.size());
  for (const std::string_view text : kDenied) {
    if (const auto network = core::Network::parse(text)) networks.push_back(*network);
  }
  return core::NetworkList(std::move(networks));
}

} // namespace

PeerPolicy::PeerPolicy(core::NetworkList allow, core::NetworkList deny, OwnAddresses own)
    : allow_(std::move(allow)),
      deny_(std::move(deny)),
      built_in_(built_in_list()),
      own_(std::move(own)) {}

bool PeerPolicy::allows(const core::IpAddress& peer) const {
  const core::IpAddress canonical = peer.canonical();
  if (canonical == peer) return allows_form(peer, is_own_relay(peer));
  // Whoever writes one of ours in another form has no reason that would be in order.
  return allows_form(canonical, false) && allows_form(peer, false);
}

bool PeerPolicy::allows_form(const core::IpAddress& ip, bool own_relay) const {
  // No network gives nullopt, which is less specific than any.
  const auto denied = deny_.longest_prefix(ip);
  const auto allowed = allow_.longest_prefix(ip);
  const auto built_in = own_relay ? std::nullopt : built_in_.longest_prefix(ip);
  if (denied && denied >= allowed && denied >= built_in) return false;
  return !built_in || allowed >= built_in;
}

// Asked for each Send indication: the lists are looked at for our own addresses alone.
bool PeerPolicy::allows_port(const core::SocketAddress& peer) const {
  if (is_own_listener(peer)) return false;
  const core::IpAddress ip = peer.ip().canonical();
  if (!is_own_relay(ip) || own_.relay_ports.contains(peer.port())) return true;
  const auto allowed = allow_.longest_prefix(ip);
  return allowed > 0U && allowed > deny_.longest_prefix(ip);
}

bool PeerPolicy::is_own_relay(const core::IpAddress& ip) const {
  return std::ranges::find(own_.relays, ip) != own_.relays.end();
}

bool PeerPolicy::is_own_listener(const core::SocketAddress& peer) const {
  return std::ranges::find(own_.listeners,
                           core::SocketAddress(peer.ip().canonical(), peer.port())) !=
         own_.listeners.end();
}

bool PeerPolicy::is_own_address(const core::IpAddress& ip) const {
  return is_own_relay(ip) || std::ranges::any_of(own_.listeners, [&](const auto& listener) {
           return listener.ip() == ip;
         });
}

} // namespace turnd
