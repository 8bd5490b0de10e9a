#include "turnd/shell/datagram_buffers.h"

#include <algorithm>
#include <cerrno>

namespace turnd {

// Not initialised: pages that no datagram ever reaches cost nothing.
DatagramBuffers::DatagramBuffers()
    : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kCount * kStride)) {
  for (std::size_t i = 0; i < kCount; ++i) {
    vectors_[i] = {.iov_base = bytes_.get() + i * kStride + kHead, .iov_len = kMaxDatagram};
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = from_[i].kernel_for_receive();
    headers_[i].msg_hdr.msg_control = &control_[i];
    make_ready(headers_[i].msg_hdr);
  }
}

// The kernel has written how much of the room it took.
void DatagramBuffers::make_ready(msghdr& header) {
  header.msg_namelen = core::SocketAddress::kCapacity;
  header.msg_controllen = ControlBuffer::kBytes;
}

std::pair<std::size_t, std::size_t> DatagramBuffers::receive_into_free(int fd, std::size_t at_most,
                                                                       int flags) {
  const std::size_t first = used_;
  const std::size_t wanted = std::min(at_most, free());
  if (wanted == 0) return {first, first};
  for (int i = 0; i < kMostPendingErrors; ++i) {
    const int count = ::recvmmsg(fd, &headers_[first], static_cast<unsigned>(wanted),
                                 MSG_DONTWAIT | flags, nullptr);
    if (count > 0) used_ += static_cast<std::size_t>(count);
    if (count >= 0 || errno == EAGAIN) break;
  }
  return {first, used_};
}

std::span<DatagramBuffers::Received> DatagramBuffers::receive(int fd, std::size_t at_most) {
  const auto [first, last] = receive_into_free(fd, at_most, 0);
  for (std::size_t i = first; i < last; ++i) {
    auto* payload = static_cast<std::uint8_t*>(vectors_[i].iov_base);
    const ReceivedControl control = read_control(headers_[i].msg_hdr);
    received_[i] = {.payload = {payload, headers_[i].msg_len},
                    .from = from_[i],
                    .to = control.destination,
                    .ip = control.ip,
                    .segment = control.segment};
    make_ready(headers_[i].msg_hdr);
  }
  if (last > first) batch_sizes_.add(static_cast<double>(last - first));
  return std::span(received_).subspan(first, last - first);
}

std::span<DatagramBuffers::ReceivedError> DatagramBuffers::receive_errors(int fd,
                                                                          std::size_t at_most) {
  const auto [first, last] = receive_into_free(fd, at_most, MSG_ERRQUEUE);
  std::size_t end = first;
  for (std::size_t i = first; i < last; ++i) {
    const auto error = read_error(headers_[i].msg_hdr);
    const bool has_address = headers_[i].msg_hdr.msg_namelen != 0;
    make_ready(headers_[i].msg_hdr);
    if (!error || !has_address) continue;
    auto* room = static_cast<std::uint8_t*>(vectors_[i].iov_base);
    errors_[end++] = {.to = from_[i], .error = *error, .room = {room, kMaxDatagram}};
  }
  return std::span(errors_).subspan(first, end - first);
}

} // namespace turnd
