#include "turnd/offload/entries.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace turnd {
namespace {

void set_address(__u8 (&place)[kOffloadAddressBytes], const core::SocketAddress& address) {
  std::ranges::copy(address.ip().octets, place);
}

__u8 family_of(const core::SocketAddress& address) {
  return address.family() == core::Family::ipv4 ? 4 : 6;
}

// In the order that the bytes have in memory; the protocol (RFC 768's pseudo-header) belongs to it.
template <typename Fields>
__u16 sum_of(const Fields& fields) {
  std::uint32_t sum = htons(IPPROTO_UDP) + fields.source_port + fields.destination_port;
  for (std::size_t i = 0; i < kOffloadAddressBytes; i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, &fields.source[i], sizeof word);
    sum += word;
    std::memcpy(&word, &fields.destination[i], sizeof word);
    sum += word;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<__u16>(sum);
}

OffloadEntry summed(OffloadEntry entry) {
  entry.direction.key_sum = sum_of(entry.key);
  entry.direction.sum = sum_of(entry.direction);
  return entry;
}

// Between these two addresses; the entry's fields beside them stay as they are.
void set_key(OffloadKey& key, const core::SocketAddress& source,
             const core::SocketAddress& destination) {
  set_address(key.source, source);
  set_address(key.destination, destination);
  key.source_port = htons(source.port());
  key.destination_port = htons(destination.port());
  key.family = family_of(source);
}

void set_direction(OffloadDirection& direction, const core::SocketAddress& source,
                   const core::SocketAddress& destination) {
  set_address(direction.source, source);
  set_address(direction.destination, destination);
  direction.source_port = htons(source.port());
  direction.destination_port = htons(destination.port());
  direction.family = family_of(source);
}

} // namespace

// RFC 8656 section 11.2: without DONT-FRAGMENT, which ChannelData can't have, DF is 0.
OffloadEntry entry_to_peer(const OffloadBinding& binding, std::uint32_t number) {
  OffloadEntry entry{};
  set_key(entry.key, binding.client, binding.server);
  entry.key.channel = htons(binding.channel);
  set_direction(entry.direction, binding.relay, binding.peer);
  entry.direction.record = record_to_peer(number);
  return summed(entry);
}

// A listener's socket leaves DF to the kernel, which sets it.
OffloadEntry entry_to_client(const OffloadBinding& binding, std::uint32_t number) {
  OffloadEntry entry{};
  set_key(entry.key, binding.peer, binding.relay);
  set_direction(entry.direction, binding.server, binding.client);
  entry.direction.channel = htons(binding.channel);
  entry.direction.dont_fragment = 1;
  entry.direction.record = record_to_client(number);
  return summed(entry);
}

} // namespace turnd
