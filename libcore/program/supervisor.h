// The life of a daemon after its workers are made: a thread for each, signals, the end.
//
//   SIGTERM, SIGINT   nothing new is taken; what is in progress may finish, up to the time-out
//   again             ends at once
//   SIGHUP            calls `reload`; without one it is refused, and said so
//   SIGUSR1           log files are opened again (logrotate)
#pragma once

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "libcore/event/loop.h"
#include "libcore/event/signals.h"
#include "libcore/log/log.h"

namespace program {

class Worker {
 public:
  virtual ~Worker() = default;
  virtual void run() = 0;   // on a thread of its own, until drained or stopped
  virtual void drain() = 0; // these two from any thread
  virtual void stop() = 0;
};

class Supervisor final : private event::DeadlineHandler {
 public:
  // The workers are borrowed. Signals are taken from here on, so that whoever is told next that the
  // daemon is up may send them.
  // `reload` is called on the thread that calls run().
  Supervisor(logging::Logger& log, core::Duration drain_timeout, std::vector<Worker*> workers,
             std::function<void()> reload = {});

  // On the thread that calls run(). For a drain that has not begun.
  void set_drain_timeout(core::Duration timeout) { drain_timeout_ = timeout; }
  // Called like `reload`, for SIGUSR1. Set before run().
  void on_reopen_logs(std::function<void()> reopen) { reopen_logs_ = std::move(reopen); }

  void run();                                 // returns when all workers have
  bool draining() const { return draining_; } // from any thread

 private:
  void on_signal(int number);
  void on_deadline(int kind) override;
  void stop();

  logging::Logger& log_;
  core::Duration drain_timeout_;
  const std::vector<Worker*> workers_;
  const std::function<void()> reload_;
  std::function<void()> reopen_logs_;
  event::Loop loop_;
  event::Signals signals_;
  std::size_t running_ = 0;
  std::atomic<bool> draining_ = false;
  core::Deadline drain_deadline_{static_cast<event::DeadlineHandler*>(this)};
};

// The configured number, or one a core.
unsigned worker_count(unsigned configured);

// As many descriptors as the hard limit gives: each connection and each allocation takes one.
void allow_all_descriptors();

} // namespace program
