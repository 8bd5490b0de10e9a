#include "libcore/event/socket.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace event {
namespace {

constexpr int kBacklog = 4096; // connections not yet accepted; the kernel caps it by somaxconn

void enable(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

core::Result<Fd> open_socket(const core::SocketAddress& address, int type) {
  const int domain = address.family() == core::Family::ipv6 ? AF_INET6 : AF_INET;
  Fd fd(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd)
    return core::failure(
        fmt::format("can't open a socket for {}: {}", address.to_string(), std::strerror(errno)));
  return fd;
}

core::Result<Fd> open_bound(const core::SocketAddress& address, int type, Sharing sharing) {
  auto fd = open_socket(address, type);
  if (!fd) return fd;
  if (address.family() == core::Family::ipv6) enable(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (type == SOCK_STREAM) enable(fd->get(), SOL_SOCKET, SO_REUSEADDR);
  if (sharing == Sharing::shared) enable(fd->get(), SOL_SOCKET, SO_REUSEPORT);
  if (::bind(fd->get(), address.kernel(), address.kernel_size()) != 0) {
    return core::failure(fmt::format("can't bind {} {}: {}", type == SOCK_STREAM ? "tcp" : "udp",
                                     address.to_string(), std::strerror(errno)));
  }
  return fd;
}

// Errors of accept(2) that are those of the connection it was about to give (its own page, "Error
// handling"): the next one may be fine.
bool about_one_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

core::SocketAddress name_of(int fd, int (*get)(int, sockaddr*, socklen_t*)) {
  core::SocketAddress address;
  socklen_t size = core::SocketAddress::kCapacity;
  get(fd, address.kernel_for_receive(), &size);
  return address;
}

std::expected<Fd, ConnectFailure> start_connecting(core::Result<Fd> fd,
                                                   const core::SocketAddress& to) {
  if (!fd) return std::unexpected(ConnectFailure{.text = fd.error().text, .shortage = true});
  enable(fd->get(), IPPROTO_TCP, TCP_NODELAY);
  if (::connect(fd->get(), to.kernel(), to.kernel_size()) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    return std::unexpected(ConnectFailure{
        .text = fmt::format("can't connect to {}: {}", to.to_string(), std::strerror(error)),
        // The first two are of ports (connect(2)).
        .shortage =
            error == EADDRNOTAVAIL || error == EAGAIN || error == ENOBUFS || error == ENOMEM});
  }
  return std::move(*fd);
}

} // namespace

core::Result<Fd> listen_tcp(const core::SocketAddress& address, Sharing sharing) {
  auto fd = open_bound(address, SOCK_STREAM, sharing);
  if (!fd) return fd;
  if (::listen(fd->get(), kBacklog) != 0) {
    return core::failure(
        fmt::format("can't listen on tcp {}: {}", address.to_string(), std::strerror(errno)));
  }
  return fd;
}

core::Result<Fd> bind_udp(const core::SocketAddress& address, Sharing sharing) {
  return open_bound(address, SOCK_DGRAM, sharing);
}

std::expected<Fd, ConnectFailure> connect_tcp(const core::SocketAddress& to) {
  return start_connecting(open_socket(to, SOCK_STREAM), to);
}

std::expected<Fd, ConnectFailure> connect_tcp(const core::SocketAddress& to,
                                              const core::SocketAddress& from) {
  return start_connecting(open_bound(from, SOCK_STREAM, Sharing::shared), to);
}

core::SocketAddress local_address(int fd) { return name_of(fd, ::getsockname); }
core::SocketAddress peer_address(int fd) { return name_of(fd, ::getpeername); }

Accepted accept_tcp(int listener) {
  Accepted accepted;
  for (;;) {
    socklen_t size = core::SocketAddress::kCapacity;
    accepted.fd = Fd(::accept4(listener, accepted.peer.kernel_for_receive(), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.fd) {
      enable(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY);
      return accepted;
    }
    if (about_one_connection(errno)) continue;
    if (errno != EAGAIN) accepted.error = errno;
    return accepted;
  }
}

} // namespace event
