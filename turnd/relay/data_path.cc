// The way of a packet: from a client to its peer (RFC 8656 sections 11.2 and 12.6), and back
// (sections 11.3 and 12.7).
#include "libcore/stun/builder.h"
#include "libcore/stun/channel_data.h"
#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;

Decision Server::channel_data_from_client(const FiveTuple& five_tuple, core::Bytes bytes,
                                          const core::Now& now, const IpFields& ip) {
  Allocation* allocation = allocations_.find(five_tuple);
  if (allocation == nullptr) return drop(DropReason::no_allocation);
  const auto data = stun::parse_channel_data(bytes);
  if (!data) return drop(DropReason::not_turn);
  if (allocation->tcp != nullptr) return drop(DropReason::wrong_transport);
  const Channel* channel = allocation->channels.by_number(data->number, now.steady);
  if (channel == nullptr) return drop(DropReason::no_channel);
  return to_peer(*allocation, channel->peer, data->payload, now, ip);
}

// Section 11.2: what is wrong with an indication is answered by silence.
Decision Server::send_indication(const FiveTuple& five_tuple, const stun::Message& message,
                                 const core::Now& now, const IpFields& ip) {
  static constexpr std::array kKnownInSend{Attribute::xor_peer_address, Attribute::data,
                                           Attribute::dont_fragment};

  Allocation* allocation = allocations_.find(five_tuple);
  if (allocation == nullptr) return drop(DropReason::no_allocation);
  if (allocation->tcp != nullptr) return drop(DropReason::wrong_transport);
  const auto peer = message.find(Attribute::xor_peer_address);
  const auto payload = message.find(Attribute::data);
  if (!peer || !payload || !stun::UnknownAttributes(message, kKnownInSend).empty()) {
    return drop(DropReason::not_turn);
  }
  const auto address = stun::decode_xor_address(*peer, message.transaction_id());
  if (!address || address->port() == 0) return drop(DropReason::not_turn);
  if (!may_speak_to(*address)) return drop(DropReason::forbidden_peer);
  indicated_peer_ = {*address};
  IpFields fields = ip;
  fields.dont_fragment = message.has(Attribute::dont_fragment);
  return to_peer(*allocation, indicated_peer_, *payload, now, fields);
}

// A channel may outlive its permission (section 12): data needs both.
Decision Server::to_peer(Allocation& allocation, const PeerAddress& peer, core::Bytes payload,
                         const core::Now& now, const IpFields& received) {
  const auto& relay = allocation.relay(peer.address.family());
  if (!relay || !allocation.permissions.allows(peer.address.ip(), now.steady)) {
    return drop(DropReason::no_permission);
  }
  const auto ip = one_hop_further(received);
  if (!ip) return drop(DropReason::hop_limit);
  if (!has_bandwidth(allocation, payload.size(), now)) return drop(DropReason::bandwidth);
  allocation.session.to_peers.add(payload.size());
  counters_.to_peers[static_cast<std::size_t>(allocation.five_tuple.transport)].add(payload.size());
  return ToPeer{.relay = *relay, .peer = places_.inside_of(&peer), .payload = payload, .ip = *ip};
}

bool Server::has_bandwidth(Allocation& allocation, std::size_t bytes, const core::Now& now) {
  if (!allocation.bandwidth.admit(bytes, now.steady)) {
    limits_hit_.note(Limit::bandwidth, allocation.username);
    return false;
  }
  if (!allocation.ticket.admit(bytes, now.steady)) {
    limits_hit_.note(Limit::bandwidth_per_user, allocation.ticket.user());
    return false;
  }
  return true;
}

Decision Server::from_peer(RelayId id, const PeerAddress& source, const Packet& packet,
                           const core::Now& now) {
  const PeerAddress peer = places_.outside_of(source);
  const Relay* relay = relays_.find(id);
  if (relay == nullptr || relay->allocation == nullptr) return drop(DropReason::unknown_relay);
  Allocation& allocation = *relay->allocation;
  if (!allocation.permissions.allows(peer.address.ip(), now.steady)) {
    return drop(DropReason::no_permission);
  }
  const auto ip = one_hop_further(packet.ip());
  if (!ip) return drop(DropReason::hop_limit);
  const std::size_t size = packet.payload().size();
  if (!has_bandwidth(allocation, size, now)) return drop(DropReason::bandwidth);

  const Channel* channel = allocation.channels.by_peer(peer, now.steady);
  if (channel == nullptr) return data_indication(allocation, peer, packet, *ip);

  // Section 12.5: padding is for streams, and not counted in the length.
  const std::size_t padding =
      is_stream(allocation.five_tuple.transport) ? stun::padded(size) - size : 0;
  const core::MutableBytes framed = packet.with_room(stun::kChannelHeaderBytes, padding);
  stun::write_channel_header(framed.data(), channel->number, size);
  std::ranges::fill(framed.last(padding), std::uint8_t{0});
  return to_client(allocation, framed, size, *ip);
}

//    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//    |   STUN header: Data indication, 20 bytes                      |
//    |   XOR-PEER-ADDRESS, 12 or 24 bytes                            |
//    |   DATA: type, length                                          |
//    |   payload (where it already lies), padding                    |
//    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
Decision Server::data_indication(Allocation& allocation, const PeerAddress& peer,
                                 const Packet& packet, const IpFields& ip) {
  static constexpr std::size_t kLongestMessage = 65535;
  const std::size_t address =
      stun::kAttributeHeaderBytes + (peer.address.family() == core::Family::ipv4 ? 8 : 20);
  const std::size_t before = stun::kHeaderBytes + address + stun::kAttributeHeaderBytes;
  const std::size_t size = packet.payload().size();
  const std::size_t padding = stun::padded(size) - size;
  if (before + size + padding - stun::kHeaderBytes > kLongestMessage) {
    return drop(DropReason::too_long);
  }

  const core::MutableBytes message = packet.with_room(before, padding);
  stun::MessageBuilder header(message.first(stun::kHeaderBytes + address), stun::Method::data,
                              stun::Class::indication, next_indication_id());
  header.add_xor_address(Attribute::xor_peer_address, peer.address);
  core::store16(message.data() + 2,
                static_cast<std::uint16_t>(message.size() - stun::kHeaderBytes));
  std::uint8_t* data = message.data() + stun::kHeaderBytes + address;
  core::store16(data, static_cast<std::uint16_t>(Attribute::data));
  core::store16(data + 2, static_cast<std::uint16_t>(size));
  std::ranges::fill(message.last(padding), std::uint8_t{0});
  return to_client(allocation, message, size, ip);
}

// Nothing answers an indication, so its id only needs to be another one each time.
stun::TransactionId Server::next_indication_id() {
  stun::TransactionId id{};
  core::store32(id.data(), static_cast<std::uint32_t>(indication_id_ >> 32));
  core::store32(id.data() + 4, static_cast<std::uint32_t>(indication_id_));
  ++indication_id_;
  return id;
}

// Section 11.5. That the message quotes a datagram of this socket's, to this peer, is what the
// kernel has found.
Decision Server::from_icmp(RelayId id, const PeerAddress& destination, const IcmpError& error,
                           core::MutableBytes room, const core::Now& now) {
  const PeerAddress peer = places_.outside_of(destination);
  const Relay* relay = relays_.find(id);
  if (relay == nullptr || relay->allocation == nullptr) return drop(DropReason::unknown_relay);
  Allocation& allocation = *relay->allocation;
  const auto value = icmp_value(error);
  if (!value) return drop(DropReason::icmp_not_relayed);
  if (!allocation.permissions.allows(peer.address.ip(), now.steady)) {
    return drop(DropReason::no_permission);
  }
  if (!allocation.icmp.admit(now.steady)) return drop(DropReason::icmp_limited);

  std::array<std::uint8_t, 8> icmp{};
  core::store32(icmp.data(), value->type_and_code);
  core::store32(icmp.data() + 4, value->error_data);
  stun::MessageBuilder message(room, stun::Method::data, stun::Class::indication,
                               next_indication_id());
  message.add_xor_address(Attribute::xor_peer_address, peer.address);
  message.add(Attribute::icmp, icmp);
  ++counters_.icmp_to_clients;
  return ToClient{.kind = ToClient::Kind::data,
                  .five_tuple = &allocation.five_tuple,
                  .client = allocation.client,
                  .bytes = message.finish()};
}

Decision Server::to_client(Allocation& allocation, core::Bytes bytes, std::size_t payload_bytes,
                           const IpFields& ip) {
  if (allocation.client == kNoClient) return drop(DropReason::no_client);
  allocation.session.to_client.add(payload_bytes);
  counters_.to_clients[static_cast<std::size_t>(allocation.five_tuple.transport)].add(
      payload_bytes);
  return ToClient{.kind = ToClient::Kind::data,
                  .five_tuple = &allocation.five_tuple,
                  .client = allocation.client,
                  .bytes = bytes,
                  .ip = ip};
}

} // namespace turnd
