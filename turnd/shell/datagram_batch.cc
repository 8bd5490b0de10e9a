#include "turnd/shell/datagram_batch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

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

// Longer than the link takes, or a link that computes no checksums.
bool says_no_to_segments(int error) {
  return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP;
}

// With nothing to say beside the bytes, the kernel has less to copy and to look at.
bool send_one(int fd, const msghdr& message) {
  if (message.msg_controllen != 0 || message.msg_iovlen != 1) {
    return ::sendmsg(fd, &message, MSG_DONTWAIT) >= 0;
  }
  return ::sendto(fd, message.msg_iov->iov_base, message.msg_iov->iov_len, MSG_DONTWAIT,
                  static_cast<const sockaddr*>(message.msg_name), message.msg_namelen) >= 0;
}

} // namespace

DatagramBatch::DatagramBatch() = default;

void DatagramBatch::add(const Outgoing& datagram) {
  const std::size_t i = count_++;
  runs_[i] = {.fd = datagram.fd, .dont_fragment = datagram.ip.dont_fragment};
  to_[i] = datagram.to;
  vectors_[i] = vector_of(datagram.payload);
  msghdr& header = headers_[i].msg_hdr;
  header.msg_name = to_[i].kernel_for_receive();
  header.msg_namelen = datagram.to.kernel_size();
  header.msg_iov = &vectors_[i];
  header.msg_iovlen = 1;
  write_control(header, control_[i], datagram.to.family(), datagram.ip, datagram.standing,
                datagram.from);
}

void DatagramBatch::flush() {
  std::size_t first = 0;
  while (first < count_) {
    std::size_t end = first + 1;
    while (end < count_ && runs_[end] == runs_[first]) ++end;
    // Linux has no control message for it.
    const core::Family family = to_[first].family();
    if (runs_[first].dont_fragment) forbid_fragments(runs_[first].fd, family);
    send_run(first, put_together(first, end));
    if (runs_[first].dont_fragment) allow_fragments(runs_[first].fd, family);
    first = end;
  }
  count_ = 0;
}

// Of the datagrams [first, end) the messages [first, first + result). A message's vectors are those
// of its datagrams, which lie side by side.
std::size_t DatagramBatch::put_together(std::size_t first, std::size_t end) {
  std::size_t message = first;
  for (std::size_t i = first; i < end; ++message) {
    const std::size_t segments = segments_from(i, end);
    if (message != i) headers_[message] = headers_[i];
    if (segments > 1) {
      msghdr& header = headers_[message].msg_hdr;
      header.msg_iovlen = segments;
      add_segment_size(header, control_[i], vectors_[i].iov_len);
    }
    i += segments;
  }
  return message - first;
}

// How many leave as one, beginning with this one: the last of them may be shorter.
std::size_t DatagramBatch::segments_from(std::size_t first, std::size_t end) const {
  const std::size_t size = vectors_[first].iov_len;
  if (size == 0 || size >= too_long_for_segments_) return 1;
  const std::size_t most = std::min({end - first, kMostSegments, kMostSegmentBytes / size});
  std::size_t count = 1;
  while (count < most) {
    const std::size_t next = vectors_[first + count].iov_len;
    if (next == 0 || next > size || !leave_alike(first, first + count)) break;
    ++count;
    if (next < size) break;
  }
  return count < kFewestSegments ? 1 : count;
}

bool DatagramBatch::leave_alike(std::size_t one, std::size_t other) const {
  const std::size_t control = headers_[one].msg_hdr.msg_controllen;
  return to_[one] == to_[other] && control == headers_[other].msg_hdr.msg_controllen &&
         std::memcmp(&control_[one], &control_[other], control) == 0;
}

// sendmmsg(2) stops at a message that it can't send: that one is tried once more, then given up.
void DatagramBatch::send_run(std::size_t first, std::size_t count) {
  const int fd = runs_[first].fd;
  bool again = false;
  while (count > 0) {
    const int sent =
        count == 1 ? (send_one(fd, headers_[first].msg_hdr) ? 1 : -1)
                   : ::sendmmsg(fd, &headers_[first], static_cast<unsigned>(count), MSG_DONTWAIT);
    std::size_t done = 0;
    if (sent > 0) {
      done = static_cast<std::size_t>(sent);
      again = false;
    } else if (!again && may_be_of_an_earlier_one(errno)) {
      again = true;
    } else {
      give_up(fd, headers_[first].msg_hdr, errno);
      done = 1;
      again = false;
    }
    first += done;
    count -= done;
  }
}

// What could not leave together leaves one by one.
void DatagramBatch::give_up(int fd, msghdr& message, int error) {
  if (message.msg_iovlen == 1 || !may_be_of_an_earlier_one(error)) {
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) losses_.count(error);
    return;
  }
  if (says_no_to_segments(error)) {
    too_long_for_segments_ = std::min(too_long_for_segments_, message.msg_iov->iov_len);
  }
  remove_segment_size(message);
  for (std::size_t left = std::exchange(message.msg_iovlen, 1); left > 0; --left) {
    if (::sendmsg(fd, &message, MSG_DONTWAIT) < 0) losses_.count(errno);
    ++message.msg_iov;
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
  write_control(header, control, address.family(), datagram.ip, datagram.standing, datagram.from);
  if (::sendmsg(datagram.fd, &header, MSG_DONTWAIT) >= 0) return 0;
  if (may_be_of_an_earlier_one(errno) && ::sendmsg(datagram.fd, &header, MSG_DONTWAIT) >= 0) {
    return 0;
  }
  return errno;
}

} // namespace turnd
