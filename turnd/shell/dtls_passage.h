// Datagrams of DTLS clients on their way from the process that has the listener's socket to the one,
// before it, that has their sessions. A session can't leave its process; what it sends leaves by the
// listener's socket as ever, which both have.
//
// A message is a datagram of a SOCK_SEQPACKET pair: both addresses of the five-tuple as the kernel
// writes them, then the IP header's fields, then the client's datagram.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "libcore/base/bytes.h"
#include "libcore/base/error.h"
#include "libcore/event/fd.h"
#include "turnd/relay/types.h"

namespace turnd {

// The end to read from, and the one to write to.
core::Result<std::pair<event::Fd, event::Fd>> open_dtls_passage();

enum class HandedOn : std::uint8_t {
  yes,
  lost,  // the other process is too slow
  ended, // it is no more
};
HandedOn hand_on(int passage, const FiveTuple& five_tuple, core::Bytes datagram,
                 const IpFields& ip);

struct PassedDatagram {
  FiveTuple five_tuple;
  IpFields ip;
  core::MutableBytes datagram; // borrows from the message
};
// nullopt: not a message, such as the empty one that stands for the end.
std::optional<PassedDatagram> parse_passed(core::MutableBytes message);

} // namespace turnd
