#include "turnd/shell/daemon.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "libcore/event/announce.h"
#include "libcore/event/loop.h"
#include "libcore/event/signals.h"
#include "libcore/event/socket.h"
#include "turnd/shell/worker.h"

namespace turnd {
namespace {

struct Sockets {
  std::vector<std::vector<event::Fd>> by_worker; // [worker][listener]
  std::vector<event::BoundListener> bound;
};

std::string_view name_of(Settings::Transport transport) {
  switch (transport) {
    case Settings::Transport::udp:
      return "udp";
    case Settings::Transport::tcp:
      return "tcp";
    case Settings::Transport::tls:
      return "tls";
    case Settings::Transport::dtls:
      return "dtls";
  }
  return "";
}

core::Result<Sockets> open_sockets(const Settings& settings, std::size_t workers) {
  Sockets sockets;
  sockets.by_worker.resize(workers);
  for (const Settings::Listener& listener : settings.listeners) {
    if (listener.transport == Settings::Transport::dtls) { // not served yet: settings/not_yet.cc
      for (auto& mine : sockets.by_worker) mine.emplace_back();
      continue;
    }
    // With port 0 the first socket finds a port, and the others share it.
    core::SocketAddress address = listener.address;
    for (auto& mine : sockets.by_worker) {
      auto fd = listener.transport == Settings::Transport::udp
                    ? event::bind_udp(address, event::Sharing::shared)
                    : event::listen_tcp(address, event::Sharing::shared);
      if (!fd) return std::unexpected(fd.error());
      address = event::local_address(fd->get());
      mine.push_back(std::move(*fd));
    }
    sockets.bound.push_back(
        {.transport = std::string(name_of(listener.transport)), .address = address});
  }
  return sockets;
}

// Every allocation has a socket of its own.
void allow_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Waits for signals on the main thread while the workers serve.
class Supervisor final : private event::DeadlineHandler {
 public:
  Supervisor(const Settings& settings, logging::Logger& log,
             std::vector<std::unique_ptr<Worker>>& workers)
      : settings_(settings), log_(log), workers_(workers) {}

  void run() {
    const event::Signals signals(loop_, {SIGTERM, SIGINT, SIGHUP},
                                 [this](int number) { on_signal(number); });
    std::vector<std::thread> threads;
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
      log_.warning("reload.refused", "reload is not available yet: restart to change the settings");
      return;
    }
    if (draining_) return stop();
    draining_ = true;
    log_.info("drain", "no new allocations; those that are there may finish",
              logging::field("timeout", settings_.drain_timeout));
    for (auto& worker : workers_) worker->drain();
    loop_.set_after(drain_deadline_, settings_.drain_timeout);
  }

  void on_deadline(int) override {
    log_.warning("drain.timeout", "allocations that are still there end now");
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

void log_totals(logging::Logger& log, const std::vector<std::unique_ptr<Worker>>& workers) {
  Counters sum;
  std::uint64_t lost = 0;
  for (const auto& worker : workers) {
    const Counters& counters = worker->counters();
    sum.allocations += counters.allocations;
    sum.packets_to_peers += counters.packets_to_peers;
    sum.packets_to_clients += counters.packets_to_clients;
    lost += worker->lost();
  }
  log.info("stopped", "turnd has ended", logging::field("allocations", sum.allocations),
           logging::field("packets_to_peers", sum.packets_to_peers),
           logging::field("packets_to_clients", sum.packets_to_clients),
           logging::field("packets_lost", lost));
}

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& announce_file) {
  const unsigned count =
      settings.workers != 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
  allow_all_descriptors();
  auto service = Service::make(settings, log);
  if (!service) return std::unexpected(service.error());
  auto sockets = open_sockets(settings, count);
  if (!sockets) return std::unexpected(sockets.error());

  std::vector<core::SocketAddress> addresses;
  for (const event::BoundListener& listener : sockets->bound) addresses.push_back(listener.address);
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(**service,
                                               (*service)->server_config(i, count, addresses),
                                               std::move(sockets->by_worker[i])));
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
  log.info("started", "turnd serves",
           logging::field("version", std::string_view(VESTIBULE_VERSION)),
           logging::field("workers", count));
  Supervisor(settings, log, workers).run();
  log_totals(log, workers);
  return {};
}

} // namespace turnd
