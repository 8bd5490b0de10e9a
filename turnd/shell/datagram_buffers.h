// The buffers that a worker receives datagrams into: a fixed number, used one after the other during
// a wake-up, and all free again once what was to be sent from them has left. The worker sends before
// it calls reset(): until then every received packet stays where it is.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "turnd/relay/types.h"
#include "turnd/shell/control_messages.h"
#include "turnd/shell/figures.h"

namespace turnd {

class DatagramBuffers {
 public:
  static constexpr std::size_t kCount = 64;
  static constexpr std::size_t kMaxDatagram = 65535;

  struct Received {
    core::MutableBytes payload; // with Packet's head and tailroom around it; lives until reset()
    core::SocketAddress from;
    std::optional<core::IpAddress> to; // where it was sent to, if the socket tells
    IpFields ip;                       // likewise
    std::size_t segment =
        0; // several of one sender: each but the last is of this size (want_merged)
  };

  struct ReceivedError {
    core::SocketAddress to; // whom the datagram was sent to that caused it
    IcmpError error;
    core::MutableBytes room; // for what is to be said about it; lives until reset()
  };

  DatagramBuffers();

  std::size_t free() const { return kCount - used_; }
  // Receives up to `at_most` (and free()) datagrams of a non-blocking socket with one system call.
  // Borrowed until the next receive(). Fewer than that: the socket is empty, or will be told to be
  // readable again.
  std::span<Received> receive(int fd, std::size_t at_most);
  // What has come back for datagrams that the socket sent (want_errors), likewise.
  std::span<ReceivedError> receive_errors(int fd, std::size_t at_most);
  const BatchSizes& batch_sizes() const { return batch_sizes_; } // of receive()
  // What received datagrams borrow is free again.
  void reset() { used_ = 0; }

 private:
  // A call that has an earlier datagram's ICMP error to report does nothing else (udp(7)), and
  // takes it: what has come lies behind it.
  static constexpr int kMostPendingErrors = 4;

  static void make_ready(msghdr& header);
  // The places in which they lie: [first, last).
  std::pair<std::size_t, std::size_t> receive_into_free(int fd, std::size_t at_most, int flags);

  // Consecutive buffers start 256 bytes off a multiple of 64 KiB from each other, so that their
  // first bytes don't fall on the same lines of the cache.
  static constexpr std::size_t kHead = 64;
  static_assert(kHead >= Packet::kHeadroom);
  static constexpr std::size_t kStride = kMaxDatagram + 1 + 256;
  static_assert(kStride >= kHead + kMaxDatagram + Packet::kTailroom);

  std::unique_ptr<std::uint8_t[]> bytes_;
  std::array<mmsghdr, kCount> headers_{};
  std::array<iovec, kCount> vectors_{};
  std::array<ControlBuffer, kCount> control_{};
  std::array<core::SocketAddress, kCount> from_;
  std::array<Received, kCount> received_;
  std::array<ReceivedError, kCount> errors_;
  std::size_t used_ = 0;
  BatchSizes batch_sizes_;
};

} // namespace turnd
