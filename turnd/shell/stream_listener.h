// One worker's share of a TCP or TLS listener.
#pragma once

#include <memory>

#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "libcore/tls/server_context.h"
#include "turnd/relay/types.h"

namespace turnd {

class Worker;

class StreamListener final : private event::ReadyHandler, private event::DeadlineHandler {
 public:
  // Connections taken in one wake-up, before others get their turn.
  static constexpr int kAcceptsPerTurn = 64;
  // How long nothing is accepted after the process ran out of descriptors.
  static constexpr core::Duration kPauseWithoutDescriptors = std::chrono::milliseconds(100);

  // With `context` it is TLS.
  StreamListener(Worker& worker, event::Fd fd, std::shared_ptr<const tls::ServerContext> context);
  ~StreamListener();
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;

 private:
  void on_ready(event::Readiness readiness) override;
  void on_deadline(int kind) override;
  void watch();
  void unwatch();

  Worker& worker_;
  event::Fd fd_;
  std::shared_ptr<const tls::ServerContext> context_;
  bool watched_ = false;
  core::Deadline pause_{static_cast<event::DeadlineHandler*>(this)};
};

} // namespace turnd
