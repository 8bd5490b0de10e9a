#include "turnd/shell/datagram_batch.h"

#include <netinet/in.h>

#include <cstring>

namespace turnd {
namespace {

// Makes the message leave from `from` (ip(7), ipv6(7): IP_PKTINFO on sending).
void set_source(msghdr& header, void* control, const core::IpAddress& from) {
  header.msg_control = control;
  if (from.family == core::Family::ipv4) {
    header.msg_controllen = CMSG_SPACE(sizeof(in_pktinfo));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.octets.data(), 4);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
  } else {
    header.msg_controllen = CMSG_SPACE(sizeof(in6_pktinfo));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from.octets.data(), 16);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
  }
}

iovec vector_of(core::Bytes payload) {
  return {.iov_base = const_cast<std::uint8_t*>(payload.data()), // NOLINT: only read from
          .iov_len = payload.size()};
}

} // namespace

DatagramBatch::DatagramBatch() {
  for (std::size_t i = 0; i < kCount; ++i) {
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = to_[i].kernel_for_receive();
  }
}

void DatagramBatch::add(int fd, const core::SocketAddress& to, core::Bytes payload,
                        const std::optional<core::IpAddress>& from) {
  const std::size_t i = count_++;
  fds_[i] = fd;
  to_[i] = to;
  vectors_[i] = vector_of(payload);
  msghdr& header = headers_[i].msg_hdr;
  header.msg_namelen = to.kernel_size();
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  if (from) set_source(header, &control_[i], *from);
}

void DatagramBatch::flush() {
  std::size_t first = 0;
  while (first < count_) {
    std::size_t end = first + 1;
    while (end < count_ && fds_[end] == fds_[first]) ++end;
    send_run(first, end - first);
    first = end;
  }
  count_ = 0;
}

// sendmmsg(2) stops at a message that it can't send: that one is passed over.
void DatagramBatch::send_run(std::size_t first, std::size_t count) {
  const int fd = fds_[first];
  if (count == 1) {
    if (::sendmsg(fd, &headers_[first].msg_hdr, MSG_DONTWAIT) < 0) ++lost_;
    return;
  }
  while (count > 0) {
    const int sent = ::sendmmsg(fd, &headers_[first], static_cast<unsigned>(count), MSG_DONTWAIT);
    std::size_t done = 0;
    if (sent > 0) {
      done = static_cast<std::size_t>(sent);
    } else {
      ++lost_;
      done = 1;
    }
    first += done;
    count -= done;
  }
}

bool send_datagram(int fd, const core::SocketAddress& to, core::Bytes payload,
                   const std::optional<core::IpAddress>& from) {
  core::SocketAddress address = to;
  iovec vector = vector_of(payload);
  msghdr header{};
  header.msg_name = address.kernel_for_receive();
  header.msg_namelen = address.kernel_size();
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::uint8_t, 64> control{};
  if (from) set_source(header, control.data(), *from);
  return ::sendmsg(fd, &header, MSG_DONTWAIT) >= 0;
}

} // namespace turnd
