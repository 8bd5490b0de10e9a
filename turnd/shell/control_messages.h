// What recvmsg(2) and sendmsg(2) carry beside the bytes (cmsg(3)): a datagram's own address, and
// fields of its IP header.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/address.h"
#include "turnd/relay/icmp.h"
#include "turnd/relay/types.h"

namespace turnd {

// Room for all that one datagram may have: an address, or an error with the address of who noticed
// it, a traffic class, a hop limit, the size of segments.
struct alignas(cmsghdr) ControlBuffer {
  static constexpr std::size_t kBytes = 128;
  std::array<std::uint8_t, kBytes> bytes;
};

struct ReceivedControl {
  std::optional<core::IpAddress> destination; // if the socket tells (want_destination)
  IpFields ip;                                // likewise (want_ip_fields)
  std::size_t segment = 0; // of several datagrams that came as one: the size of each but the last
};
ReceivedControl read_control(const msghdr& header);

// Of a datagram of the error queue (ip(7), IP_RECVERR); nullopt when it tells of something else.
std::optional<IcmpError> read_error(const msghdr& header);

// What differs from the socket's own (`standing`): nothing, and the kernel has nothing to parse. The
// message refers to `buffer` afterwards.
void write_control(msghdr& header, ControlBuffer& buffer, core::Family family, const IpFields& ip,
                   const IpFields& standing, const std::optional<core::IpAddress>& from);
// Beside that: the message's bytes are several datagrams, each but the last of this size (UDP_SEGMENT).
void add_segment_size(msghdr& header, ControlBuffer& buffer, std::size_t size);
// Takes it off again.
void remove_segment_size(msghdr& header);

} // namespace turnd
