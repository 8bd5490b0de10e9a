// CreatePermission (RFC 8656 section 10.2) and ChannelBind (section 12.2).
#include <array>
#include <span>

#include "libcore/stun/channel_data.h"
#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

// All of the peers, or none.
Decision Server::create_permission(Request& request) {
  Allocation& allocation = *request.allocation;
  std::array<core::IpAddress, stun::Message::kMaxAttributes> peers;
  std::size_t count = 0;
  std::optional<ErrorCode> refused;
  request.message.for_each([&](std::uint16_t type, core::Bytes value) {
    if (type != static_cast<std::uint16_t>(Attribute::xor_peer_address) || refused) return;
    const auto peer = stun::decode_xor_address(value, request.to.transaction);
    if (!peer) {
      refused = ErrorCode::bad_request;
      return;
    }
    peers[count++] = peer->ip();
    refused = refused_peer(allocation, peer->ip());
  });
  if (!refused && count == 0) refused = ErrorCode::bad_request;
  if (refused) return refuse(request, *refused);

  const std::span<const core::IpAddress> all(peers.data(), count);
  if (!allocation.permissions.has_room_for(all, config_.limits.permissions_per_allocation,
                                           request.now.steady)) {
    limits_hit_.note(Limit::permissions, allocation.username);
    return refuse(request, ErrorCode::insufficient_capacity);
  }
  for (const core::IpAddress& peer : all) allocation.permissions.install(peer, request.now.steady);
  offload(allocation, request.now);
  return answers_.success(request.to, [](auto&) {});
}

Decision Server::channel_bind(Request& request) {
  Allocation& allocation = *request.allocation;
  if (allocation.tcp != nullptr) return refuse(request, ErrorCode::forbidden); // RFC 6062 section 5

  // 1. Both attributes, and a number that is a channel's.
  const auto number_value = request.message.find(Attribute::channel_number);
  const auto peer_value = request.message.find(Attribute::xor_peer_address);
  if (!number_value || number_value->size() != 4 || !peer_value) {
    return refuse(request, ErrorCode::bad_request);
  }
  const std::uint16_t number = core::load16(number_value->data());
  const auto address = stun::decode_xor_address(*peer_value, request.to.transaction);
  if (number < stun::kFirstChannel || !address || address->port() == 0) {
    return refuse(request, ErrorCode::bad_request);
  }
  const PeerAddress peer{*address};

  // 2. A number has one peer and a peer has one number. One that is bound stays good where a reload has
  //    taken older clients' numbers away.
  const auto verdict = allocation.channels.verdict(number, peer, request.now.steady);
  const bool unknown = number > config_.last_channel && verdict != Channels::Verdict::refresh;
  if (unknown || verdict == Channels::Verdict::conflict) {
    return refuse(request, ErrorCode::bad_request);
  }

  // 3. A peer that may be spoken to.
  const core::IpAddress ip = address->ip();
  if (const auto refused = refused_peer(allocation, ip)) return refuse(request, *refused);
  if (!may_speak_to(*address)) return refuse(request, ErrorCode::forbidden);

  // 4. Room for it; a refresh takes none.
  const bool room =
      verdict == Channels::Verdict::refresh ||
      allocation.channels.live(request.now.steady) < config_.limits.channels_per_allocation;
  if (!room) {
    limits_hit_.note(Limit::channels, allocation.username);
    return refuse(request, ErrorCode::insufficient_capacity);
  }
  if (!allocation.permissions.has_room_for(
          std::span(&ip, 1), config_.limits.permissions_per_allocation, request.now.steady)) {
    limits_hit_.note(Limit::permissions, allocation.username);
    return refuse(request, ErrorCode::insufficient_capacity);
  }

  // 5. Binding a channel installs or refreshes the permission too.
  allocation.permissions.install(ip, request.now.steady);
  allocation.channels.bind(number, peer, request.now.steady);
  offload(allocation, request.now);
  return answers_.success(request.to, [](auto&) {});
}

std::optional<ErrorCode> Server::refused_peer(const Allocation& allocation,
                                              const core::IpAddress& peer) const {
  if (!allocation.relay(peer.family)) return ErrorCode::peer_address_family_mismatch;
  if (!config_.peers.allows(peer)) return ErrorCode::forbidden;
  return std::nullopt;
}

} // namespace turnd
