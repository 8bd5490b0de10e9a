// Datagrams that wait to be sent, by reference: the payloads lie in the worker's DatagramBuffers.
// Sent in the order in which they came, with one sendmmsg(2) for each run of the same socket (and of
// the same wish not to be fragmented). Datagrams of one size for the same address that follow each
// other leave as one message that the kernel takes apart as late as it can (UDP_SEGMENT), if there
// are enough of them. What the kernel doesn't take at once is lost, as datagrams may be.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "turnd/relay/types.h"
#include "turnd/shell/control_messages.h"
#include "turnd/shell/datagram_buffers.h"
#include "turnd/shell/figures.h"

namespace turnd {

struct Outgoing {
  int fd;
  const core::SocketAddress& to;
  core::Bytes payload;
  IpFields ip{};
  IpFields standing{};                   // what the socket gives it by itself
  std::optional<core::IpAddress> from{}; // the address to send from, on a socket that has several
};

class DatagramBatch {
 public:
  static constexpr std::size_t kCount = 2 * DatagramBuffers::kCount;
  // Datagrams that leave as one: fewer are not worth the kernel's work of taking them apart.
  static constexpr std::size_t kFewestSegments = 3;
  static constexpr std::size_t kMostSegments = 64; // Linux 4.18 and later take as many
  static constexpr std::size_t kMostSegmentBytes = 65'000;

  DatagramBatch();

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == kCount; }
  // Borrows the payload until flush(); call only when not full.
  void add(const Outgoing& datagram);
  void flush();

  const SendLosses& losses() const { return losses_; }

 private:
  struct Run { // what datagrams have in common that leave together
    int fd = -1;
    bool dont_fragment = false;
    friend bool operator==(const Run&, const Run&) = default;
  };
  void send_run(std::size_t first, std::size_t count);
  std::size_t put_together(std::size_t first, std::size_t end);
  std::size_t segments_from(std::size_t first, std::size_t end) const;
  bool leave_alike(std::size_t one, std::size_t other) const;
  void give_up(int fd, msghdr& message, int error);

  std::array<mmsghdr, kCount> headers_{};
  std::array<iovec, kCount> vectors_{};
  std::array<core::SocketAddress, kCount> to_;
  std::array<Run, kCount> runs_;
  std::array<ControlBuffer, kCount> control_{};
  std::size_t count_ = 0;
  std::size_t too_long_for_segments_ = kMostSegmentBytes; // the kernel has refused such ones
  SendLosses losses_;
};

// One datagram, now. 0, or why it could not be sent (errno).
int send_datagram(const Outgoing& datagram);

} // namespace turnd
