// Datagrams that wait to be sent, by reference: the payloads lie in the worker's DatagramBuffers.
// Sent in the order in which they came, with one sendmmsg(2) for each run of the same socket (and of
// the same wish not to be fragmented). What the kernel doesn't take at once is lost, as datagrams
// may be.
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
  std::optional<core::IpAddress> from{}; // the address to send from, on a socket that has several
};

class DatagramBatch {
 public:
  static constexpr std::size_t kCount = DatagramBuffers::kCount;

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

  std::array<mmsghdr, kCount> headers_{};
  std::array<iovec, kCount> vectors_{};
  std::array<core::SocketAddress, kCount> to_;
  std::array<Run, kCount> runs_;
  std::array<ControlBuffer, kCount> control_{};
  std::size_t count_ = 0;
  SendLosses losses_;
};

// One datagram, now. 0, or why it could not be sent (errno).
int send_datagram(const Outgoing& datagram);

} // namespace turnd
