// The life of a daemon after its workers are made: a thread for each, signals, the end.
//
//   SIGTERM, SIGINT   nothing new is taken; what is in progress may finish, up to the time-out
//   again             ends at once
//   SIGHUP            calls `reload`; without one it is refused, and said so
//   SIGUSR1           log files are opened again (logrotate)
//   hand_over()       as SIGTERM, with a limit of its own: another process serves from now on
//
// The service manager is told of all that (program::Notify), and that the workers' loops go round.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "libcore/event/loop.h"
#include "libcore/event/signals.h"
#include "libcore/log/log.h"
#include "libcore/program/notify.h"

namespace program {

class Worker {
 public:
  virtual ~Worker() = default;
  virtual void run() = 0;   // on a thread of its own, until drained or stopped
  virtual void drain() = 0; // these from any thread
  virtual void stop() = 0;
  virtual void hand_over() {
    drain();
  } // another process serves its clients now, those of before aside
  virtual void post(std::move_only_function<void()> work) = 0; // to be done by its loop
};

class Supervisor final : private event::DeadlineHandler {
 public:
  // How often a process that was taken over from says what is still in progress.
  static constexpr core::Duration kSayWhatIsLeft = std::chrono::minutes(1);

  // The workers are borrowed. Signals are taken from here on, so that whoever is told next that the
  // daemon is up may send them.
  // `reload` is called on the thread that calls run().
  Supervisor(logging::Logger& log, core::Duration drain_timeout, std::vector<Worker*> workers,
             std::function<void()> reload = {});

  // On the thread that calls run(). For a drain that has not begun.
  void set_drain_timeout(core::Duration timeout) { drain_timeout_ = timeout; }
  // Called like `reload`, for SIGUSR1. Set before run().
  void on_reopen_logs(std::function<void()> reopen) { reopen_logs_ = std::move(reopen); }

  event::Loop& loop() { return loop_; } // for what is done on the thread that calls run()
  void reload();                        // on that thread: what SIGHUP does

  // Clients are served: the service manager is told. `took_over`: from another process.
  void ready(bool took_over);
  void run(); // returns when all workers have

  // From any thread. Another process serves; what is in progress here may finish within `limit` (zero:
  // without one). `left` says how much that is, and is called by the thread of run().
  void hand_over(core::Duration limit, std::function<std::size_t()> left);

  enum class State : std::uint8_t { serving, draining, handed_over };
  State state() const { return state_; } // from any thread
  bool draining() const { return state_ != State::serving; }

 private:
  enum DeadlineKind { kDrainEnds, kSayLeft, kWatchdog };

  void on_signal(int number);
  void on_deadline(int kind) override;
  void drain();
  void hand_over_here(core::Duration limit, std::function<std::size_t()> left);
  void say_left();
  void ask_workers();
  void stop();

  logging::Logger& log_;
  core::Duration drain_timeout_;
  const std::vector<Worker*> workers_;
  const std::function<void()> reload_;
  std::function<void()> reopen_logs_;
  const Notify notify_;
  event::Loop loop_;
  event::Signals signals_;
  std::size_t running_ = 0;
  std::atomic<State> state_ = State::serving;
  bool told_to_end_ = false; // by a signal
  std::function<std::size_t()> left_;
  std::size_t answers_due_ = 0; // of workers that the watchdog has asked
  core::Deadline drain_deadline_{static_cast<event::DeadlineHandler*>(this), kDrainEnds};
  core::Deadline left_deadline_{static_cast<event::DeadlineHandler*>(this), kSayLeft};
  core::Deadline watchdog_deadline_{static_cast<event::DeadlineHandler*>(this), kWatchdog};
};

std::string_view name_of(Supervisor::State state); // "serving", "draining", "handed_over"

// The configured number, or one a core.
unsigned worker_count(unsigned configured);

// As many descriptors as the hard limit gives: each connection and each allocation takes one.
void allow_all_descriptors();

} // namespace program
