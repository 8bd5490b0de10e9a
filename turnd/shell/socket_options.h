// What turnd asks of the kernel for its sockets. All best effort: a refusal costs comfort, not
// correctness.
#pragma once

#include <cstdint>

#include "libcore/base/address.h"
#include "turnd/relay/types.h"

namespace turnd {

// A burst waits in the socket while the worker is busy elsewhere.
inline constexpr int kListenerBufferBytes = 4 << 20;

void want_large_buffers(int fd);
// Datagrams say to which of the machine's addresses they came.
void want_destination(int fd, core::Family family);
// Datagrams say with which DSCP, ECN and TTL or hop limit they came.
void want_ip_fields(int fd, core::Family family);
// What a datagram leaves with that nothing else is said of; no hop limit is the kernel's default. Of a
// socket that was set to the default or never set, ip_fields() says none. `family` is the socket's.
void set_ip_fields(int fd, core::Family family, const IpFields& fields);
IpFields ip_fields(int fd, core::Family family);
std::uint8_t default_hop_limit(core::Family family); // as it was when it was first asked for
// Datagrams of one sender that follow each other closely come as one, with the size of each (UDP_GRO).
void want_merged(int fd);
// What ICMP says of datagrams that were sent waits in the socket's error queue.
void want_errors(int fd, core::Family family);
// A client's datagram may be fragmented on its way, unless it asks otherwise (RFC 8656 section 14).
void allow_fragments(int fd, core::Family family);
// From now on it is not: too long for the link, and it isn't sent. What the kernel believes to know
// of the path counts for nothing, since the client is finding it out.
void forbid_fragments(int fd, core::Family family);
// Bytes that the kernel holds unsent can't be dropped any more when they have become too old.
void keep_unsent_short(int fd);

// Datagrams that the kernel has dropped for want of room in the socket.
std::uint64_t queue_drops(int fd);

} // namespace turnd
