#include "rproxyd/probe/wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "libcore/event/socket.h"

namespace rproxyd::probe {
namespace {

core::Result<void> wait_for(int fd, short what, std::chrono::milliseconds patience) {
  pollfd waits{.fd = fd, .events = what, .revents = 0};
  const int ready = ::poll(&waits, 1, static_cast<int>(patience.count()));
  if (ready > 0) return {};
  return core::failure(ready == 0 ? "no answer in time" : std::strerror(errno));
}

} // namespace

core::Result<event::Fd> connect_tcp(const core::SocketAddress& to) {
  auto fd = event::connect_tcp(to);
  if (!fd) return core::failure(fd.error().text);
  if (auto ready = wait_for(fd->get(), POLLOUT, kPatience); !ready)
    return std::unexpected(ready.error());
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd->get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return core::failure(std::strerror(error));
  return std::move(*fd);
}

core::Result<event::Fd> connect_udp(const core::SocketAddress& to) {
  event::Fd fd(::socket(to.kernel()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), to.kernel(), to.kernel_size()) != 0)
    return core::failure(std::strerror(errno));
  return fd;
}

core::Result<void> send_all(int fd, core::Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return core::failure(std::strerror(errno));
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
    if (bytes.empty()) return {};
    if (auto ready = wait_for(fd, POLLOUT, kPatience); !ready) return ready;
  }
  return {};
}

core::Result<std::size_t> receive(int fd, core::MutableBytes room,
                                  std::chrono::milliseconds patience) {
  if (auto ready = wait_for(fd, POLLIN, patience); !ready) return std::unexpected(ready.error());
  const ssize_t size = ::recv(fd, room.data(), room.size(), 0);
  if (size < 0) return core::failure(std::strerror(errno));
  return static_cast<std::size_t>(size);
}

} // namespace rproxyd::probe
