#include "libcore/program/supervisor.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

namespace program {

Supervisor::Supervisor(logging::Logger& log, core::Duration drain_timeout,
                       std::vector<Worker*> workers, std::function<void()> reload)
    : log_(log),
      drain_timeout_(drain_timeout),
      workers_(std::move(workers)),
      reload_(std::move(reload)),
      signals_(loop_, {SIGTERM, SIGINT, SIGHUP, SIGUSR1},
               [this](int number) { on_signal(number); }) {}

void Supervisor::ready(bool took_over) {
  notify_.ready("serves", took_over);
  if (notify_.watchdog()) loop_.set_after(watchdog_deadline_, core::Duration::zero());
}

void Supervisor::run() {
  std::vector<std::thread> threads;
  threads.reserve(workers_.size());
  running_ = workers_.size();
  for (Worker* worker : workers_) {
    threads.emplace_back([this, worker] {
      worker->run();
      loop_.post([this] {
        if (--running_ == 0) loop_.stop();
      });
    });
  }
  loop_.run();
  for (std::thread& thread : threads) thread.join();
  for (core::Deadline* each : {&drain_deadline_, &left_deadline_, &watchdog_deadline_})
    loop_.cancel(*each);
}

void Supervisor::on_signal(int number) {
  if (number == SIGHUP) return reload();
  if (number == SIGUSR1) { // whose default would be the end
    if (reopen_logs_) reopen_logs_();
    return;
  }
  if (told_to_end_) return stop();
  told_to_end_ = true;
  drain();
}

void Supervisor::reload() {
  if (state_ == State::handed_over) {
    log_.warning("reload.refused", "another process has taken over: it is the one to be told");
    return;
  }
  if (!reload_) {
    log_.warning("reload.refused",
                 "this version can't reload its configuration: restart it to apply a change");
    return;
  }
  notify_.reloading(loop_.now().steady);
  reload_();
  notify_.ready("serves");
}

// ---- the end

void Supervisor::drain() {
  log_.info("drain", "nothing new is taken; what is in progress may finish",
            logging::field("timeout", drain_timeout_));
  if (state_ != State::handed_over) { // then the service goes on without us
    state_ = State::draining;
    notify_.stopping("finishes what is in progress");
    for (Worker* worker : workers_) worker->drain();
  }
  loop_.set_after(drain_deadline_, drain_timeout_);
}

void Supervisor::hand_over(core::Duration limit, std::function<std::size_t()> left) {
  loop_.post(
      [this, limit, left = std::move(left)]() mutable { hand_over_here(limit, std::move(left)); });
}

void Supervisor::hand_over_here(core::Duration limit, std::function<std::size_t()> left) {
  if (state_ == State::handed_over) return;
  left_ = std::move(left);
  const bool drains = state_ == State::draining;
  state_ = State::handed_over;
  loop_.set_after(left_deadline_, kSayWhatIsLeft);
  if (drains) return; // its limit holds
  for (Worker* worker : workers_) worker->hand_over();
  if (limit != core::Duration::zero()) loop_.set_after(drain_deadline_, limit);
}

void Supervisor::say_left() {
  log_.info("take_over.left", "another process serves; here something is still in progress",
            logging::field("connections", left_ ? left_() : 0));
  loop_.set_after(left_deadline_, kSayWhatIsLeft);
}

void Supervisor::on_deadline(int kind) {
  if (kind == kSayLeft) return say_left();
  if (kind == kWatchdog) return ask_workers();
  log_.warning("drain.timeout", "what is still in progress ends now");
  stop();
}

void Supervisor::stop() {
  for (Worker* worker : workers_) worker->stop();
}

// ---- the watchdog

// A worker that hangs does not answer, and the service manager is told nothing more.
void Supervisor::ask_workers() {
  const auto interval = notify_.watchdog();
  if (!interval) return;
  loop_.set_after(watchdog_deadline_, *interval / 2);
  if (answers_due_ != 0 || state_ == State::handed_over) return;
  answers_due_ = workers_.size();
  for (Worker* worker : workers_) {
    worker->post([this] {
      loop_.post([this] {
        if (--answers_due_ == 0) notify_.alive();
      });
    });
  }
}

std::string_view name_of(Supervisor::State state) {
  switch (state) {
    case Supervisor::State::serving:
      return "serving";
    case Supervisor::State::draining:
      return "draining";
    case Supervisor::State::handed_over:
      return "handed_over";
  }
  return "";
}

unsigned worker_count(unsigned configured) {
  return configured != 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
}

void allow_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace program
