// A descriptor that is watched for reading as long as this is there, from the first moment at which the kernel
// has memory for that (epoll_ctl(2): ENOMEM, ENOSPC). Level-triggered.
#pragma once

#include "libcore/event/loop.h"

namespace event {

class SteadyWatch final : private DeadlineHandler {
 public:
  static constexpr core::Duration kTryAgain = std::chrono::milliseconds(100);

  // All of them must outlive it.
  SteadyWatch(Loop& loop, int fd, ReadyHandler& handler);
  ~SteadyWatch();
  SteadyWatch(const SteadyWatch&) = delete;
  SteadyWatch& operator=(const SteadyWatch&) = delete;

 private:
  void on_deadline(int kind) override;
  void watch();

  Loop& loop_;
  int fd_;
  ReadyHandler& handler_;
  bool watched_ = false;
  core::Deadline again_{static_cast<DeadlineHandler*>(this)};
};

} // namespace event
