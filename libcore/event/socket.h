// Sockets as both daemons open them: non-blocking, close-on-exec, with the reason in words when
// the kernel refuses.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "libcore/base/address.h"
#include "libcore/base/error.h"
#include "libcore/event/fd.h"

namespace event {

// Shared: several sockets, one a worker, are bound to the same address (SO_REUSEPORT).
enum class Sharing : std::uint8_t { exclusive, shared };

core::Result<Fd> listen_tcp(const core::SocketAddress& address, Sharing sharing);
core::Result<Fd> bind_udp(const core::SocketAddress& address, Sharing sharing);
struct ConnectFailure {
  std::string text;
  bool shortage = false; // of our own descriptors, ports or memory: says nothing about the address
};
// Starts connecting; completion or failure shows as writability (Stream handles it).
std::expected<Fd, ConnectFailure> connect_tcp(const core::SocketAddress& to);
// From this address and port, on which a socket may be listening (Sharing::shared) and others may be
// connected to other places.
std::expected<Fd, ConnectFailure> connect_tcp(const core::SocketAddress& to,
                                              const core::SocketAddress& from);

core::SocketAddress local_address(int fd);
core::SocketAddress peer_address(int fd);

// The next connection of a listening socket, or an empty Fd: with error 0 none waits, else one waits
// that the kernel can't give us now (EMFILE, ENFILE, ENOBUFS, ENOMEM).
struct Accepted {
  Fd fd;
  core::SocketAddress peer;
  int error = 0;
};
Accepted accept_tcp(int listener);

} // namespace event
