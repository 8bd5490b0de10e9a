#include "turnd/shell/datagram_buffers.h"

#include <netinet/in.h>

#include <algorithm>

namespace turnd {
namespace {

std::optional<core::IpAddress> destination(const msghdr& header) {
  for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(c))) { // NOLINT
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return core::IpAddress::from_v4(
          {reinterpret_cast<const std::uint8_t*>(&info.ipi_addr), sizeof info.ipi_addr});
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return core::IpAddress::from_v6({info.ipi6_addr.s6_addr, sizeof info.ipi6_addr});
    }
  }
  return std::nullopt;
}

} // namespace

// Not initialised: pages that no datagram ever reaches cost nothing.
DatagramBuffers::DatagramBuffers()
    : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kCount * kStride)) {
  for (std::size_t i = 0; i < kCount; ++i) {
    vectors_[i] = {.iov_base = bytes_.get() + i * kStride + kHead, .iov_len = kMaxDatagram};
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = from_[i].kernel_for_receive();
  }
}

std::span<DatagramBuffers::Received> DatagramBuffers::receive(int fd, std::size_t at_most,
                                                              bool tells_destination) {
  const std::size_t wanted = std::min(at_most, free());
  if (wanted == 0) return {};
  for (std::size_t i = used_; i < used_ + wanted; ++i) {
    msghdr& header = headers_[i].msg_hdr;
    header.msg_namelen = core::SocketAddress::kCapacity;
    header.msg_control = tells_destination ? &control_[i] : nullptr;
    header.msg_controllen = tells_destination ? kControlBytes : 0;
  }
  const int count =
      ::recvmmsg(fd, &headers_[used_], static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
  if (count <= 0) return {};

  const std::size_t first = used_;
  used_ += static_cast<std::size_t>(count);
  for (std::size_t i = first; i < used_; ++i) {
    auto* payload = static_cast<std::uint8_t*>(vectors_[i].iov_base);
    received_[i] = {.payload = {payload, headers_[i].msg_len},
                    .from = from_[i],
                    .to = tells_destination ? destination(headers_[i].msg_hdr) : std::nullopt};
  }
  return std::span(received_).subspan(first, used_ - first);
}

} // namespace turnd
