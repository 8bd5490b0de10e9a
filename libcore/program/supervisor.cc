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
}

void Supervisor::on_signal(int number) {
  if (number == SIGHUP) {
    if (reload_) return reload_();
    log_.warning("reload.refused",
                 "this version can't reload its configuration: restart it to apply a change");
    return;
  }
  if (number == SIGUSR1) { // whose default would be the end
    if (reopen_logs_) reopen_logs_();
    return;
  }
  if (draining_) return stop();
  draining_ = true;
  log_.info("drain", "nothing new is taken; what is in progress may finish",
            logging::field("timeout", drain_timeout_));
  for (Worker* worker : workers_) worker->drain();
  loop_.set_after(drain_deadline_, drain_timeout_);
}

void Supervisor::on_deadline(int) {
  log_.warning("drain.timeout", "what is still in progress ends now");
  stop();
}

void Supervisor::stop() {
  for (Worker* worker : workers_) worker->stop();
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
