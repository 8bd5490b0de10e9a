#include "libcore/program/supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <mutex>
#include <string>
#include <thread>

#include "tests/unit/libcore/program/notify_socket.h"

namespace {

using program::Supervisor;
using namespace std::chrono_literals;

// Ends when it is told to, if its work is done.
class OneWorker final : public program::Worker {
 public:
  explicit OneWorker(bool busy = false) : busy_(busy) {}
  void run() override { loop_.run(); }
  void drain() override {
    loop_.post([this] {
      drained = true;
      if (!busy_) loop_.stop();
    });
  }
  void stop() override {
    loop_.post([this] {
      stopped = true;
      loop_.stop();
    });
  }
  void post(std::move_only_function<void()> work) override { loop_.post(std::move(work)); }

  std::atomic<bool> drained = false;
  std::atomic<bool> stopped = false;

 private:
  const bool busy_;
  event::Loop loop_;
};

// The supervisor's run() on this thread, and what happens to it meanwhile on another.
template <typename Story>
void run(Supervisor& supervisor, Story&& story) {
  std::thread teller(std::forward<Story>(story));
  supervisor.run();
  teller.join();
}

logging::Logger& silent() {
  static logging::Logger log(logging::Level::error);
  return log;
}

} // namespace

TEST_CASE("the service manager hears when clients are served, of a reload, and of the end") {
  const NotifySocket manager;
  OneWorker worker;
  int reloads = 0;
  Supervisor supervisor(silent(), 10s, {&worker}, [&] { ++reloads; });
  supervisor.ready(false);
  run(supervisor, [&] {
    CHECK(manager.next() == "READY=1\nSTATUS=serves");
    std::raise(SIGHUP);
    CHECK(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(manager.next() == "READY=1\nSTATUS=serves");
    std::raise(SIGTERM);
    CHECK(manager.next().starts_with("STOPPING=1\n"));
  });
  CHECK(reloads == 1);
  CHECK(worker.drained);
  CHECK_FALSE(worker.stopped);
  CHECK(supervisor.state() == Supervisor::State::draining);
}

TEST_CASE(
    "whoever takes over is the service's main process, and the one before says nothing more") {
  const NotifySocket manager;
  OneWorker worker(true);
  Supervisor supervisor(silent(), 10s, {&worker});
  supervisor.ready(true);
  run(supervisor, [&] {
    CHECK(manager.next() == fmt::format("READY=1\nSTATUS=serves\nMAINPID={}", ::getpid()));
    supervisor.hand_over(0s, [] { return std::size_t{1}; });
    while (!worker.drained) std::this_thread::yield();
    CHECK(supervisor.state() == Supervisor::State::handed_over);
    CHECK(supervisor.draining());
    std::raise(SIGTERM);
    std::raise(SIGTERM); // may be merged with the first
    while (!worker.stopped) {
      std::raise(SIGTERM);
      std::this_thread::yield();
    }
  });
  CHECK(manager.next(0).empty());
}

TEST_CASE(
    "a process that was taken over from ends when its limit is reached, and not by drain_timeout") {
  OneWorker worker(true);
  Supervisor supervisor(silent(), 0s, {&worker});
  run(supervisor, [&] { supervisor.hand_over(20ms, {}); });
  CHECK(worker.stopped);
}

TEST_CASE("the watchdog is fed as long as every worker's loop goes round") {
  const NotifySocket manager;
  ::setenv("WATCHDOG_USEC", "20000", 1);
  OneWorker healthy;
  OneWorker hangs;
  Supervisor supervisor(silent(), 10s, {&healthy, &hangs});
  supervisor.ready(false);
  run(supervisor, [&] {
    CHECK(manager.next().starts_with("READY=1"));
    for (int i = 0; i < 3; ++i) CHECK(manager.next() == "WATCHDOG=1");
    std::mutex held;
    std::unique_lock lock(held);
    std::atomic<bool> hanging = false;
    hangs.post([&] {
      hanging = true;
      const std::lock_guard waits(held);
    });
    while (!hanging) std::this_thread::yield();
    while (!manager.next(100).empty()) { // one that was on its way
    }
    CHECK(manager.next(100).empty());
    lock.unlock();
    CHECK(manager.next() == "WATCHDOG=1");
    std::raise(SIGTERM);
  });
}
