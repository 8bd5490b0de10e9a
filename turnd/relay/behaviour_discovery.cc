#include "turnd/relay/behaviour_discovery.h"

#include <algorithm>

namespace turnd {
namespace {

using stun::Attribute;

constexpr std::uint32_t kChangeIp = 0x4;
constexpr std::uint32_t kChangePort = 0x2;

const UdpListenerAddress* listener_at(const std::vector<UdpListenerAddress>& listeners,
                                      const core::IpAddress& ip, std::uint16_t port) {
  const auto found =
      std::ranges::find(listeners, core::SocketAddress(ip, port), &UdpListenerAddress::own);
  return found == listeners.end() ? nullptr : &*found;
}

} // namespace

BehaviourDiscovery::BehaviourDiscovery(const std::vector<UdpListenerAddress>& listeners) {
  for (const UdpListenerAddress& same : listeners) {
    const core::IpAddress ip = same.own.ip();
    if (ip.is_unspecified()) continue; // an answer couldn't say where it comes from
    for (const UdpListenerAddress& other : listeners) {
      if (other.own.family() != same.own.family() || other.own.ip() == ip ||
          other.own.ip().is_unspecified() || other.own.port() == same.own.port()) {
        continue;
      }
      const auto* other_ip = listener_at(listeners, other.own.ip(), same.own.port());
      const auto* other_port = listener_at(listeners, ip, other.own.port());
      if (other_ip == nullptr || other_port == nullptr) continue;
      quartets_.push_back(
          {.same = same, .other_ip = *other_ip, .other_port = *other_port, .other = other});
      break;
    }
  }
}

const BehaviourDiscovery::Quartet* BehaviourDiscovery::find(
    const core::SocketAddress& listener) const {
  const auto found = std::ranges::find_if(
      quartets_, [&](const Quartet& quartet) { return quartet.same.own == listener; });
  return found == quartets_.end() ? nullptr : &*found;
}

std::expected<DiscoveryWishes, stun::ErrorCode> read_discovery_wishes(
    const stun::Message& message) {
  DiscoveryWishes wishes;
  if (const auto change = message.find(Attribute::change_request)) {
    if (change->size() != 4) return std::unexpected(stun::ErrorCode::bad_request);
    const std::uint32_t flags = core::load32(change->data());
    wishes.change_ip = (flags & kChangeIp) != 0;
    wishes.change_port = (flags & kChangePort) != 0;
  }
  const auto padding = message.find(Attribute::padding);
  if (padding) wishes.padding = padding->size();
  if (const auto port = message.find(Attribute::response_port)) {
    // Section 7.6: the two together could send large answers to where nobody asked for them.
    if (port->size() < 2 || padding) return std::unexpected(stun::ErrorCode::bad_request);
    wishes.response_port = core::load16(port->data());
    if (wishes.response_port == 0) return std::unexpected(stun::ErrorCode::bad_request);
  }
  return wishes;
}

std::size_t padding_for(const DiscoveryWishes& wishes, std::size_t request_size, std::size_t size) {
  const std::size_t around = size + stun::kAttributeHeaderBytes;
  if (wishes.padding == 0 || request_size <= around) return 0;
  return std::min({wishes.padding, kMaxPadding, request_size - around}) / 4 * 4;
}

} // namespace turnd
