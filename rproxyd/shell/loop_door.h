// How threads that outlive a worker, or may, leave work at its loop: after close() nothing is taken, and
// the loop may go.
#pragma once

#include <functional>
#include <mutex>

#include "libcore/event/loop.h"

namespace rproxyd {

class LoopDoor {
 public:
  explicit LoopDoor(event::Loop& loop) : loop_(&loop) {}

  void post(std::move_only_function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->post(std::move(work));
  }
  void close() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  event::Loop* loop_;
};

} // namespace rproxyd
