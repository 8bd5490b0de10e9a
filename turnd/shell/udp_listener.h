// One worker's socket of a UDP listener: everything from clients arrives here in batches, and
// everything to them leaves here in batches.
#pragma once

#include <memory>

#include "libcore/event/fd.h"
#include "libcore/event/steady_watch.h"
#include "turnd/shell/client_link.h"
#include "turnd/shell/datagram_batch.h"
#include "turnd/shell/datagram_buffers.h"
#include "turnd/shell/listener.h"
#include "turnd/shell/standing_fields.h"

namespace turnd {

class Worker;

class UdpListener final : public ClientLink, private event::ReadyHandler {
 public:
  // Before others get their turn.
  static constexpr int kBatchesPerTurn = 4;

  UdpListener(Worker& worker, event::Fd fd, std::shared_ptr<const Listener> listener);
  ~UdpListener();
  UdpListener(const UdpListener&) = delete;
  UdpListener& operator=(const UdpListener&) = delete;

  // An answer leaves at once, since its buffer is used again; data waits for flush().
  void send(const ToClient& message) override;
  const core::SocketAddress& address() const { return address_; }
  int fd() const { return fd_.get(); }
  void flush() { batch_.flush(); }
  const std::shared_ptr<const Listener>& listener() const { return listener_; }
  // A reload has kept it, or taken it away: then it is there for its allocations alone. One that is
  // covered by a listener for all addresses goes on as if it had been kept: with its sockets gone the
  // kernel would deal that one's clients out anew.
  void keep(std::shared_ptr<const Listener> listener);
  void depart(bool covered);
  bool departing() const { return departing_; }
  // Of a departing one: whether it can go. Asked now and then.
  bool is_over();
  SendLosses losses() const;
  ListenerFigures figures() const;

 private:
  void on_ready(event::Readiness readiness) override;
  void from_client(const FiveTuple& five_tuple, const DatagramBuffers::Received& received);

  Worker& worker_;
  event::Fd fd_;
  std::shared_ptr<const Listener> listener_;
  core::SocketAddress address_;
  bool wildcard_; // bound to all addresses: each datagram says which one it came to
  DatagramBatch batch_;
  StandingFields standing_;
  bool departing_ = false;
  bool emptied_ = false; // and the others have been told
  bool covered_ = false;
  SendLosses lost_answers_;
  event::SteadyWatch watch_;
};

} // namespace turnd
