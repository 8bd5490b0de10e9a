#include "libcore/event/loop.h"

#include <poll.h>
#include <uv.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

namespace event {
namespace {

void must(int result) {
  if (result != 0) std::abort(); // only at start-up: out of descriptors or memory
}

} // namespace

void Task::unlink() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = previous_ = nullptr;
}

TaskQueue::TaskQueue() { head_.next_ = head_.previous_ = &head_; }

TaskQueue::~TaskQueue() {
  while (!empty()) head_.next_->unlink();
  head_.next_ = nullptr;
}

void TaskQueue::add(Task& task) {
  if (task.queued()) return;
  task.previous_ = head_.previous_;
  task.next_ = &head_;
  head_.previous_->next_ = &task;
  head_.previous_ = &task;
}

void TaskQueue::run() {
  TaskQueue now;
  move_all_to(now);
  while (!now.empty()) {
    Task& first = *now.head_.next_;
    first.unlink();
    first.run();
  }
}

void TaskQueue::move_all_to(TaskQueue& other) {
  if (empty()) return;
  Task* first = head_.next_;
  Task* last = head_.previous_;
  head_.next_ = head_.previous_ = &head_;
  first->previous_ = other.head_.previous_;
  other.head_.previous_->next_ = first;
  last->next_ = &other.head_;
  other.head_.previous_ = last;
}

struct Loop::Uv {
  uv_loop_t loop{};
  uv_async_t async{};
};

core::Now read_now() {
  return {.steady = std::chrono::steady_clock::now(),
          .wall = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())};
}

Loop::Loop() : uv_(std::make_unique<Uv>()), now_(read_now()), deadlines_(now_.steady) {
  must(uv_loop_init(&uv_->loop));
  must(uv_async_init(&uv_->loop, &uv_->async, [](uv_async_t* h) {
    auto* self = static_cast<Loop*>(h->data);
    self->wake_up();
    self->run_posted();
  }));
  uv_->async.data = this;
  if (!poller_.add(uv_backend_fd(&uv_->loop), Interest::read, Trigger::level, uv_ready_))
    std::abort(); // as must()
}

Loop::~Loop() {
  while (!retired_.empty()) std::exchange(retired_, {}).clear();
  uv_walk(
      &uv_->loop,
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
      },
      nullptr);
  // More than once when stop() was called after the last run().
  while (uv_loop_close(&uv_->loop) == UV_EBUSY) uv_run(&uv_->loop, UV_RUN_NOWAIT);
}

void* Loop::uv_loop() {
  uv_turn_due_ = true; // a handle that is started is polled from libuv's next turn on
  return &uv_->loop;
}

void Loop::run() {
  for (wake_up(); !stopped_; turn()) {
  }
  stopped_ = false;
  run_tasks_at_end();
  awake_ = false;
}

void Loop::turn() {
  if (awake_) end_wake_up(); // run() has just begun
  next_.move_all_to(continued_);
  pause();
  const int patience = patience_in_milliseconds();
  if (polling_) {
    poller_.wait(patience);
    wake_up();
    poller_.hand_out();
  } else {
    pollfd uv_alone{.fd = uv_backend_fd(&uv_->loop), .events = POLLIN, .revents = 0};
    ::poll(&uv_alone, 1, patience);
    wake_up();
    uv_turn_due_ = true;
  }
  if (std::exchange(uv_turn_due_, false)) uv_run(&uv_->loop, UV_RUN_NOWAIT);
  continued_.run();
  end_wake_up();
}

// Called by whatever comes first after a sleep.
void Loop::wake_up() {
  if (std::exchange(awake_, true)) return;
  now_ = read_now();
}

void Loop::end_wake_up() {
  deadlines_.advance(now_.steady,
                     [](core::Deadline& d) { d.owner<DeadlineHandler>()->on_deadline(d.kind()); });
  run_tasks_at_end();
  awake_ = false;
}

void Loop::run_tasks_at_end() {
  for (int round = 0; round < kMaxRoundsAtEnd; ++round) {
    if (at_end_.empty() && retired_.empty()) return;
    at_end_.run();
    std::exchange(retired_, {}).clear(); // destructors may retire more
  }
}

// How long there is nothing to do but wait; -1: for ever.
int Loop::patience_in_milliseconds() const {
  if (stopped_ || uv_turn_due_ || !continued_.empty() || !at_end_.empty() || !retired_.empty())
    return 0;
  // Handles that close have it at 0; libuv has no timers of ours.
  if (uv_backend_timeout(&uv_->loop) == 0) return 0;
  const auto when = deadlines_.next();
  if (!when) return -1;
  const auto delay =
      std::chrono::ceil<std::chrono::milliseconds>(*when - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(delay.count(), 0, kLongestSleep.count()));
}

// Posted work and deadlines wait, too: it is less than the resolution of deadlines.
void Loop::pause() {
  const auto until = pace_.pause(now_.steady);
  if (!until || patience_in_milliseconds() == 0) return;
  std::this_thread::sleep_until(*until);
  pace_.paused(std::chrono::steady_clock::now());
}

void Loop::post(std::move_only_function<void()> work) {
  // Sent under the lock: once it is released, the loop may run the work, and that may be the loop's end.
  const std::lock_guard lock(posted_mutex_);
  posted_.push_back(std::move(work));
  uv_async_send(&uv_->async);
}

void Loop::run_posted() {
  std::vector<std::move_only_function<void()>> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (auto& each : work) each();
}

} // namespace event
