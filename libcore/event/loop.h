// One worker's event loop: readiness, deadlines, work that other threads post, and the order of
// things within a wake-up. It waits in its own Poller, which has libuv's descriptor among its own: libuv
// (signals, other threads' work and posts) gets a turn when that is ready, and a wake-up for sockets
// never passes through it. Nothing outside this folder sees uv.
//
// A wake-up goes:  the clocks are read once -> what is ready is handled, posted work runs -> tasks of
// run_next() run that the wake-up before left -> deadlines fire -> tasks of run_at_end() run (sends
// that were gathered leave in one batch) -> what was retired is destroyed -> sleep, unless a task of
// run_next() waits. Where packets are counted (pace()), it may pause before it looks at what is ready.
//
// All but post() belong to the thread that calls run().
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "libcore/base/deadline_wheel.h"
#include "libcore/base/time.h"
#include "libcore/event/poller.h"
#include "libcore/event/wake_up_pace.h"

namespace event {

// Whoever sets a core::Deadline on a loop: core::Deadline d{static_cast<DeadlineHandler*>(this), kind}.
class DeadlineHandler {
 public:
  virtual void on_deadline(int kind) = 0;

 protected:
  ~DeadlineHandler() = default;
};

// Work for the end of this wake-up or for the next one. In at most one queue at a time; leaves it when
// destroyed.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual void run() = 0;
  bool queued() const { return next_ != nullptr; }

 protected:
  ~Task() { unlink(); }

 private:
  friend class TaskQueue;
  void unlink();
  Task* next_ = nullptr;
  Task* previous_ = nullptr;
};

// A Task that calls a member function: event::MemberTask<Worker> flush_{*this, &Worker::flush}.
template <typename Owner>
class MemberTask final : public Task {
 public:
  MemberTask(Owner& owner, void (Owner::*member)()) : owner_(owner), member_(member) {}
  ~MemberTask() = default;
  void run() override { (owner_.*member_)(); }

 private:
  Owner& owner_;
  void (Owner::*member_)();
};

class TaskQueue {
 public:
  TaskQueue();
  ~TaskQueue();
  void add(Task& task); // does nothing when the task is in a queue already
  void run();           // those queued now; what they add waits for the next call
  void move_all_to(TaskQueue& other);
  bool empty() const { return head_.next_ == &head_; }

 private:
  struct Head final : Task {
    ~Head() = default;
    void run() override {}
  };
  Head head_;
};

// Something whose destruction is put off until nothing on the stack can still be using it.
class Retirable {
 public:
  virtual ~Retirable() = default;
};

class Loop {
 public:
  // Tasks of run_at_end() may queue others; after so many rounds the rest waits for the next wake-up,
  // so that a task which always finds more to do doesn't keep the loop from everything else.
  static constexpr int kMaxRoundsAtEnd = 8;
  static constexpr std::chrono::milliseconds kLongestSleep{60'000};

  Loop();
  ~Loop(); // every handler, task and deadline must be gone, and no other thread may call post()
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();                      // until stop(); may be called again
  void stop() { stopped_ = true; } // after this wake-up; before run(), that returns at once

  const core::Now& now() const { return now_; } // as of this wake-up
  Poller& poller() { return poller_; }
  WakeUpPace& pace() { return pace_; }
  // Nothing is handed out as ready meanwhile; posted work, tasks and deadlines go on.
  void pause_polling() { polling_ = false; }
  void resume_polling() { polling_ = true; }
  void set(core::Deadline& deadline, core::TimePoint when) { deadlines_.set(deadline, when); }
  void set_after(core::Deadline& deadline, core::Duration delay) {
    deadlines_.set(deadline, now_.steady + delay);
  }
  void cancel(core::Deadline& deadline) { deadlines_.cancel(deadline); }

  void run_at_end(Task& task) { at_end_.add(task); }
  void run_next(Task& task) { next_.add(task); }
  void retire(std::unique_ptr<Retirable> object) { retired_.push_back(std::move(object)); }

  // From any thread: `work` runs on the loop's thread, in order.
  void post(std::move_only_function<void()> work);

 private:
  struct Uv; // the libuv handles
  friend class Signals;
  friend struct AsideWork;
  struct UvReady final : ReadyHandler {
    explicit UvReady(Loop& its_loop) : loop(its_loop) {}
    ~UvReady() = default;
    void on_ready(Readiness) override { loop.uv_turn_due_ = true; }
    Loop& loop;
  };
  void* uv_loop(); // a uv_loop_t*, for starting a handle or work
  void turn();
  void wake_up();
  void end_wake_up();
  void run_tasks_at_end();
  void run_posted();
  int patience_in_milliseconds() const;
  void pause();

  std::unique_ptr<Uv> uv_;
  core::Now now_;
  UvReady uv_ready_{*this};
  bool uv_turn_due_ = true;
  bool polling_ = true;
  bool stopped_ = false;
  bool awake_ = false; // the clocks have been read for this wake-up
  core::DeadlineWheel deadlines_;
  Poller poller_;
  WakeUpPace pace_;
  TaskQueue at_end_;
  TaskQueue next_;      // run_next() was called in this wake-up
  TaskQueue continued_; // and in the one before
  std::vector<std::unique_ptr<Retirable>> retired_;
  std::mutex posted_mutex_;
  std::vector<std::move_only_function<void()>> posted_;
};

core::Now read_now(); // both clocks, for use before a loop runs

} // namespace event
