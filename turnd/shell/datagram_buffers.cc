#include "turnd/shell/datagram_buffers.h"

#include <algorithm>

namespace turnd {

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

std::span<DatagramBuffers::Received> DatagramBuffers::receive(int fd, std::size_t at_most) {
  const std::size_t wanted = std::min(at_most, free());
  if (wanted == 0) return {};
  for (std::size_t i = used_; i < used_ + wanted; ++i) {
    msghdr& header = headers_[i].msg_hdr;
    header.msg_namelen = core::SocketAddress::kCapacity;
    header.msg_control = &control_[i];
    header.msg_controllen = ControlBuffer::kBytes;
  }
  const int count =
      ::recvmmsg(fd, &headers_[used_], static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
  if (count <= 0) return {};

  const std::size_t first = used_;
  used_ += static_cast<std::size_t>(count);
  for (std::size_t i = first; i < used_; ++i) {
    auto* payload = static_cast<std::uint8_t*>(vectors_[i].iov_base);
    const ReceivedControl control = read_control(headers_[i].msg_hdr);
    received_[i] = {.payload = {payload, headers_[i].msg_len},
                    .from = from_[i],
                    .to = control.destination,
                    .ip = control.ip};
  }
  return std::span(received_).subspan(first, used_ - first);
}

} // namespace turnd
