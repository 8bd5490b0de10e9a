#include "libcore/event/loop.h"

#include <uv.h>

#include <algorithm>
#include <cstdlib>
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
  uv_poll_t poll{};
  uv_timer_t timer{};
  uv_prepare_t prepare{};
  uv_check_t check{};
  uv_idle_t idle{};
  uv_async_t async{};
};

core::Now read_now() {
  return {.steady = std::chrono::steady_clock::now(),
          .wall = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())};
}

Loop::Loop() : uv_(std::make_unique<Uv>()), now_(read_now()), deadlines_(now_.steady) {
  must(uv_loop_init(&uv_->loop));
  must(uv_poll_init(&uv_->loop, &uv_->poll, poller_.fd()));
  must(uv_timer_init(&uv_->loop, &uv_->timer));
  must(uv_prepare_init(&uv_->loop, &uv_->prepare));
  must(uv_check_init(&uv_->loop, &uv_->check));
  must(uv_idle_init(&uv_->loop, &uv_->idle));
  must(uv_async_init(&uv_->loop, &uv_->async, [](uv_async_t* h) {
    auto* self = static_cast<Loop*>(h->data);
    self->wake_up();
    self->run_posted();
  }));
  uv_->poll.data = uv_->prepare.data = uv_->check.data = uv_->async.data = this;

  poll();
  must(uv_prepare_start(&uv_->prepare,
                        [](uv_prepare_t* h) { static_cast<Loop*>(h->data)->prepare_to_sleep(); }));
  // After the poll, whether or not anything was ready.
  must(uv_check_start(&uv_->check, [](uv_check_t* h) {
    auto* self = static_cast<Loop*>(h->data);
    self->wake_up();
    self->continued_.run();
    self->end_wake_up();
  }));
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

void Loop::poll() {
  must(uv_poll_start(&uv_->poll, UV_READABLE, [](uv_poll_t* h, int, int) {
    auto* self = static_cast<Loop*>(h->data);
    self->wake_up();
    self->poller_.dispatch();
  }));
}

// libuv polls one descriptor, that of the set: what becomes ready in there waits.
void Loop::pause_polling() {
  if (std::exchange(polling_, false)) uv_poll_stop(&uv_->poll);
}

void Loop::resume_polling() {
  if (!std::exchange(polling_, true)) poll();
}

void* Loop::uv_loop() { return &uv_->loop; }

void Loop::run() {
  wake_up();
  uv_run(&uv_->loop, UV_RUN_DEFAULT);
  run_tasks_at_end();
  awake_ = false;
}

void Loop::stop() { uv_stop(&uv_->loop); }

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

void Loop::prepare_to_sleep() {
  if (awake_) end_wake_up(); // run() has just begun
  next_.move_all_to(continued_);
  if (!continued_.empty() || !at_end_.empty() || !retired_.empty()) {
    uv_idle_start(&uv_->idle, [](uv_idle_t*) {}); // only keeps the loop from sleeping
  } else {
    uv_idle_stop(&uv_->idle);
  }

  const auto when = deadlines_.next();
  if (!when) {
    uv_timer_stop(&uv_->timer);
    return;
  }
  uv_update_time(&uv_->loop);
  const auto delay =
      std::chrono::ceil<std::chrono::milliseconds>(*when - std::chrono::steady_clock::now());
  const auto wait = static_cast<std::uint64_t>(std::max<std::int64_t>(0, delay.count()));
  // Only wakes: end_wake_up() looks at the deadlines.
  uv_timer_start(&uv_->timer, [](uv_timer_t*) {}, wait, 0);
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
