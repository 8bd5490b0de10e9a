#include "turnd/shell/dtls_passage.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace turnd {
namespace {

constexpr std::size_t kAddressBytes = core::SocketAddress::kCapacity;
constexpr std::size_t kHeaderBytes = 2 * kAddressBytes + 3;
// A burst waits here while the other process is busy.
constexpr int kBufferBytes = 4 << 20;

// The kernel gives what it may, or with CAP_NET_ADMIN all.
void want_room(int fd) {
  const int size = kBufferBytes;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
}

} // namespace

core::Result<std::pair<event::Fd, event::Fd>> open_dtls_passage() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return core::failure(std::string("can't open a way for datagrams of DTLS clients: ") +
                         std::strerror(errno));
  }
  std::pair<event::Fd, event::Fd> pair{event::Fd(ends[0]), event::Fd(ends[1])};
  want_room(pair.second.get());
  return pair;
}

HandedOn hand_on(int passage, const FiveTuple& five_tuple, core::Bytes datagram,
                 const IpFields& ip) {
  std::array<std::uint8_t, kHeaderBytes> header{};
  std::memcpy(header.data(), five_tuple.client.kernel(), five_tuple.client.kernel_size());
  std::memcpy(header.data() + kAddressBytes, five_tuple.server.kernel(),
              five_tuple.server.kernel_size());
  header[2 * kAddressBytes] = ip.traffic_class;
  header[2 * kAddressBytes + 1] = ip.hop_limit ? 1 : 0;
  header[2 * kAddressBytes + 2] = ip.hop_limit.value_or(0);
  std::array<iovec, 2> pieces{{{.iov_base = header.data(), .iov_len = header.size()},
                               {.iov_base = const_cast<std::uint8_t*>(datagram.data()), // NOLINT
                                .iov_len = datagram.size()}}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  if (::sendmsg(passage, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return HandedOn::yes;
  return errno == EPIPE || errno == ECONNRESET ? HandedOn::ended : HandedOn::lost;
}

std::optional<PassedDatagram> parse_passed(core::MutableBytes message) {
  if (message.size() < kHeaderBytes) return std::nullopt;
  const auto address = [&](std::size_t at) {
    sockaddr_in6 raw{};
    std::memcpy(&raw, message.data() + at, kAddressBytes);
    return core::SocketAddress::from_kernel(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
  };
  const auto client = address(0);
  const auto server = address(kAddressBytes);
  if (!client || !server) return std::nullopt;
  PassedDatagram passed{
      .five_tuple = {.transport = Transport::dtls, .client = *client, .server = *server},
      .ip = {.traffic_class = message[2 * kAddressBytes]},
      .datagram = message.subspan(kHeaderBytes)};
  if (message[2 * kAddressBytes + 1] != 0) passed.ip.hop_limit = message[2 * kAddressBytes + 2];
  return passed;
}

} // namespace turnd
