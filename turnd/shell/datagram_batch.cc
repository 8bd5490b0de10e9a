#include "turnd/shell/datagram_batch.h"

#include <cerrno>

#include "turnd/shell/socket_options.h"

namespace turnd {
namespace {

iovec vector_of(core::Bytes payload) {
  return {.iov_base = const_cast<std::uint8_t*>(payload.data()), // NOLINT: only read from
          .iov_len = payload.size()};
}

// An ICMP error of an earlier datagram shows as the failure of the next call, which has done nothing
// then but report it (udp(7)).
bool may_be_of_an_earlier_one(int error) {
  return error != EAGAIN && error != ENOBUFS && error != ENOMEM;
}

} // namespace

DatagramBatch::DatagramBatch() {
  for (std::size_t i = 0; i < kCount; ++i) {
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = to_[i].kernel_for_receive();
  }
}

void DatagramBatch::add(const Outgoing& datagram) {
  const std::size_t i = count_++;
  runs_[i] = {.fd = datagram.fd, .dont_fragment = datagram.ip.dont_fragment};
  to_[i] = datagram.to;
  vectors_[i] = vector_of(datagram.payload);
  msghdr& header = headers_[i].msg_hdr;
  header.msg_namelen = datagram.to.kernel_size();
  write_control(header, control_[i], datagram.to.family(), datagram.ip, datagram.from);
}

void DatagramBatch::flush() {
  std::size_t first = 0;
  while (first < count_) {
    std::size_t end = first + 1;
    while (end < count_ && runs_[end] == runs_[first]) ++end;
    // Linux has no control message for it.
    const core::Family family = to_[first].family();
    if (runs_[first].dont_fragment) forbid_fragments(runs_[first].fd, family);
    send_run(first, end - first);
    if (runs_[first].dont_fragment) allow_fragments(runs_[first].fd, family);
    first = end;
  }
  count_ = 0;
}

// sendmmsg(2) stops at a message that it can't send: that one is tried once more, then passed over.
void DatagramBatch::send_run(std::size_t first, std::size_t count) {
  const int fd = runs_[first].fd;
  bool again = false;
  while (count > 0) {
    const int sent =
        count == 1 ? (::sendmsg(fd, &headers_[first].msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1)
                   : ::sendmmsg(fd, &headers_[first], static_cast<unsigned>(count), MSG_DONTWAIT);
    std::size_t done = 0;
    if (sent > 0) {
      done = static_cast<std::size_t>(sent);
      again = false;
    } else if (!again && may_be_of_an_earlier_one(errno)) {
      again = true;
    } else {
      losses_.count(errno);
      done = 1;
      again = false;
    }
    first += done;
    count -= done;
  }
}

int send_datagram(const Outgoing& datagram) {
  core::SocketAddress address = datagram.to;
  iovec vector = vector_of(datagram.payload);
  msghdr header{};
  header.msg_name = address.kernel_for_receive();
  header.msg_namelen = address.kernel_size();
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  ControlBuffer control{};
  write_control(header, control, address.family(), datagram.ip, datagram.from);
  if (::sendmsg(datagram.fd, &header, MSG_DONTWAIT) >= 0) return 0;
  if (may_be_of_an_earlier_one(errno) && ::sendmsg(datagram.fd, &header, MSG_DONTWAIT) >= 0) {
    return 0;
  }
  return errno;
}

} // namespace turnd
