// One worker's socket of a UDP listener: everything from clients arrives here in batches, and
// everything to them leaves here in batches.
#pragma once

#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "turnd/shell/client_link.h"
#include "turnd/shell/datagram_batch.h"

namespace turnd {

class Worker;

class UdpListener final : public ClientLink, private event::ReadyHandler {
 public:
  // Before others get their turn.
  static constexpr int kBatchesPerTurn = 4;

  UdpListener(Worker& worker, event::Fd fd);
  ~UdpListener();
  UdpListener(const UdpListener&) = delete;
  UdpListener& operator=(const UdpListener&) = delete;

  // An answer leaves at once, since its buffer is used again; data waits for flush().
  void send(const ToClient& message) override;
  const core::SocketAddress& address() const { return address_; }
  void flush() { batch_.flush(); }
  std::uint64_t lost() const { return batch_.lost() + lost_answers_; }

 private:
  void on_ready(event::Readiness readiness) override;

  Worker& worker_;
  event::Fd fd_;
  core::SocketAddress address_;
  bool wildcard_; // bound to all addresses: each datagram says which one it came to
  DatagramBatch batch_;
  std::uint64_t lost_answers_ = 0;
};

} // namespace turnd
