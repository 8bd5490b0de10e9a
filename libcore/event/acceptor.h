// One worker's share of a listening TCP socket: hands out the connections that come.
#pragma once

#include <functional>

#include "libcore/base/address.h"
#include "libcore/event/fd.h"
#include "libcore/event/loop.h"

namespace event {

class Acceptor final : private ReadyHandler, private DeadlineHandler {
 public:
  // Connections taken in one wake-up, before others get their turn.
  static constexpr int kAcceptsPerTurn = 64;
  // More than a backlog holds: take_what_waits() ends, however many come meanwhile.
  static constexpr int kMaxWaiting = 8192;
  // How long nothing is accepted after the process ran out of descriptors.
  static constexpr core::Duration kPauseWithoutDescriptors = std::chrono::milliseconds(100);

  // `failed`: an errno; nothing is accepted for a moment.
  Acceptor(Loop& loop, Fd socket,
           std::move_only_function<void(Fd, const core::SocketAddress&)> accepted,
           std::move_only_function<void(int)> failed);
  ~Acceptor(); // connections that wait are reset
  // Hands out the connections that wait: for a socket that is to be closed.
  void take_what_waits();

  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  int fd() const { return socket_.get(); }
  Fd copy() const { return copy_of(socket_); }
  // Connections wait in the kernel's queue meanwhile.
  void pause();
  void resume();

 private:
  void on_ready(Readiness readiness) override;
  void on_deadline(int kind) override;
  void watch();
  void unwatch();

  Loop& loop_;
  Fd socket_;
  std::move_only_function<void(Fd, const core::SocketAddress&)> accepted_;
  std::move_only_function<void(int)> failed_;
  bool watched_ = false;
  bool paused_ = false;
  core::Deadline pause_{static_cast<DeadlineHandler*>(this)};
};

} // namespace event
