#include "tests/bench/load/relay_peer.h"

#include <linux/udp.h>
#include <netinet/in.h>

#include <cstring>

#include "tests/bench/load/turn_flow.h"

namespace bench {
namespace {

constexpr int kBuffer = 16 << 20;

} // namespace

RelayPeer::RelayPeer(bool gro)
    : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer);
  const int one = 1;
  if (gro) ::setsockopt(fd_.get(), IPPROTO_UDP, UDP_GRO, &one, sizeof one);
  ::setsockopt(fd_.get(), IPPROTO_IP, IP_FREEBIND, &one, sizeof one);
  if (::bind(fd_.get(), address_.kernel(), address_.kernel_size()) != 0) give_up("bind");
  socklen_t size = core::SocketAddress::kCapacity;
  ::getsockname(fd_.get(), address_.kernel_for_receive(), &size);
  for (std::size_t i = 0; i < kBatch; ++i) {
    vectors_[i] = {.iov_base = bytes_.data() + i * kRoom, .iov_len = kRoom};
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

core::SocketAddress RelayPeer::address(std::size_t flow) const {
  return {core::IpAddress::v4(127, 200, static_cast<std::uint8_t>(flow / 250),
                              static_cast<std::uint8_t>(1 + flow % 250)),
          address_.port()};
}

void RelayPeer::send(core::Bytes payload, std::size_t flow, const core::SocketAddress& relay) {
  core::SocketAddress to = relay;
  iovec vector{.iov_base = const_cast<std::uint8_t*>(payload.data()), // NOLINT: only read from
               .iov_len = payload.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in_pktinfo))> control{};
  msghdr header{};
  header.msg_name = to.kernel_for_receive();
  header.msg_namelen = to.kernel_size();
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* from = CMSG_FIRSTHDR(&header);
  from->cmsg_level = IPPROTO_IP;
  from->cmsg_type = IP_PKTINFO;
  from->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info{};
  std::memcpy(&info.ipi_spec_dst, address(flow).ip().octets.data(), 4);
  std::memcpy(CMSG_DATA(from), &info, sizeof info);
  ::sendmsg(fd_.get(), &header, MSG_DONTWAIT);
}

void RelayPeer::receive(Arrivals& arrivals, std::size_t size) {
  const int got = ::recvmmsg(fd_.get(), headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (got <= 0) return;
  const std::int64_t now = nanoseconds();
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    const std::uint64_t packets = headers_[i].msg_len / size; // more than one where GRO joined them
    if (packets > 0) arrivals.count(bytes_.data() + i * kRoom, now, packets);
  }
}

} // namespace bench
