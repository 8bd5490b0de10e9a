#include "rproxyd/shell/daemon.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include "libcore/event/announce.h"
#include "libcore/event/loop.h"
#include "libcore/event/signals.h"
#include "libcore/event/socket.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {
namespace {

struct Sockets {
  std::vector<std::vector<event::Fd>> by_worker; // [worker][listener]
  std::vector<event::BoundListener> bound;
};

core::Result<Sockets> open_sockets(const Settings& settings, std::size_t workers) {
  Sockets sockets;
  sockets.by_worker.resize(workers);
  for (const Settings::Listener& listener : settings.listeners) {
    // With port 0 the first socket finds a port, and the others share it.
    core::SocketAddress address = listener.address;
    for (auto& mine : sockets.by_worker) {
      auto fd = event::listen_tcp(address, event::Sharing::shared);
      if (!fd) return std::unexpected(fd.error());
      address = event::local_address(fd->get());
      mine.push_back(std::move(*fd));
    }
    sockets.bound.push_back({.transport = listener.tls ? "https" : "http", .address = address});
  }
  return sockets;
}

// Waits for signals on the main thread while the workers serve.
class Supervisor final : private event::DeadlineHandler {
 public:
  Supervisor(const Settings& settings, logging::Logger& log,
             std::vector<std::unique_ptr<Worker>>& workers)
      : settings_(settings), log_(log), workers_(workers) {}

  void run() {
    event::Signals signals(loop_, {SIGTERM, SIGINT, SIGHUP},
                           [this](int number) { on_signal(number); });
    std::vector<std::thread> threads;
    threads.reserve(workers_.size());
    running_ = workers_.size();
    for (auto& worker : workers_) {
      threads.emplace_back([this, &worker] {
        worker->run();
        loop_.post([this] {
          if (--running_ == 0) loop_.stop();
        });
      });
    }
    loop_.run();
    for (std::thread& thread : threads) thread.join();
  }

 private:
  void on_signal(int number) {
    if (number == SIGHUP) {
      log_.warning("reload.refused", "this version can't reload its configuration: restart it");
      return;
    }
    if (draining_) return stop();
    draining_ = true;
    log_.info("drain", "no new connections; what is in progress may finish",
              logging::field("timeout", settings_.drain_timeout));
    for (auto& worker : workers_) worker->drain();
    loop_.set_after(drain_deadline_, settings_.drain_timeout);
  }

  void on_deadline(int) override {
    log_.warning("drain.timeout", "what is still in progress is broken off");
    stop();
  }

  void stop() {
    for (auto& worker : workers_) worker->stop();
  }

  const Settings& settings_;
  logging::Logger& log_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  event::Loop loop_;
  std::size_t running_ = 0;
  bool draining_ = false;
  core::Deadline drain_deadline_{static_cast<event::DeadlineHandler*>(this)};
};

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& announce_file) {
  const std::size_t count =
      settings.workers != 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
  auto service = Service::make(settings, log);
  if (!service) return std::unexpected(service.error());
  auto sockets = open_sockets(settings, count);
  if (!sockets) return std::unexpected(sockets.error());

  std::vector<std::unique_ptr<Worker>> workers;
  for (auto& mine : sockets->by_worker) {
    auto worker = Worker::make(**service, std::move(mine));
    if (!worker) return std::unexpected(worker.error());
    workers.push_back(std::move(*worker));
  }
  for (const event::BoundListener& listener : sockets->bound) {
    log.info("listener.open", "listening", logging::field("transport", listener.transport),
             logging::field("address", listener.address));
  }
  if (!announce_file.empty()) {
    if (auto announced = event::announce(announce_file, sockets->bound); !announced) {
      return std::unexpected(announced.error());
    }
  }
  log.info("started", "rproxyd serves",
           logging::field("version", std::string_view(VESTIBULE_VERSION)),
           logging::field("workers", count));
  Supervisor(settings, log, workers).run();
  log.info("stopped", "rproxyd has ended");
  return {};
}

} // namespace rproxyd
