// One worker's share of a listening address.
#pragma once

#include "libcore/event/fd.h"
#include "libcore/event/loop.h"

namespace rproxyd {

class Worker;

class Listener final : private event::ReadyHandler, private event::DeadlineHandler {
 public:
  // Connections taken in one wake-up, before others get their turn.
  static constexpr int kAcceptsPerTurn = 64;
  // How long nothing is accepted after the process ran out of descriptors.
  static constexpr core::Duration kPauseWithoutDescriptors = std::chrono::milliseconds(100);

  // `index`: the listener's place in the settings.
  Listener(Worker& worker, std::size_t index, event::Fd fd);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  void on_ready(event::Readiness readiness) override;
  void on_deadline(int kind) override;
  void watch();
  void unwatch();

  Worker& worker_;
  const std::size_t index_;
  event::Fd fd_;
  bool watched_ = false;
  core::Deadline pause_{static_cast<event::DeadlineHandler*>(this)};
};

} // namespace rproxyd
