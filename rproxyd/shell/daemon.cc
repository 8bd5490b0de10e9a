#include "rproxyd/shell/daemon.h"

#include <memory>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/event/announce.h"
#include "libcore/event/loop.h"
#include "libcore/event/socket.h"
#include "libcore/program/supervisor.h"
#include "rproxyd/shell/admin_content.h"
#include "rproxyd/shell/ban_commands.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {
namespace {

struct Opened {
  std::vector<WorkerChange> for_workers;
  std::vector<event::BoundListener> bound;
};

core::Result<Opened> open_listeners(const std::shared_ptr<const Generation>& generation,
                                    std::size_t workers) {
  Opened opened;
  for (std::size_t i = 0; i < workers; ++i) {
    auto contexts = contexts_for(*generation, nullptr);
    if (!contexts) return std::unexpected(contexts.error());
    opened.for_workers.push_back(
        {.generation = generation, .contexts = *std::move(contexts), .sockets = {}});
  }
  for (const ListenerRules& listener : generation->listeners) {
    // With port 0 the first socket finds a port, and the others share it.
    core::SocketAddress address = listener.settings.address;
    for (WorkerChange& change : opened.for_workers) {
      auto fd = event::listen_tcp(address, event::Sharing::shared);
      if (!fd) return std::unexpected(fd.error());
      address = event::local_address(fd->get());
      change.sockets.emplace_back(listener.id, std::move(*fd));
    }
    opened.bound.push_back(
        {.transport = listener.settings.tls ? "https" : "http", .address = address});
  }
  return opened;
}

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              ReadSettings reread) {
  const unsigned count = program::worker_count(settings.workers);
  program::allow_all_descriptors();
  auto service = Service::make(settings, log);
  if (!service) return std::unexpected(service.error());
  auto opened = open_listeners((*service)->generation(), count);
  if (!opened) return std::unexpected(opened.error());

  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<program::Worker*> supervised;
  std::vector<Worker*> reloaded;
  for (WorkerChange& change : opened->for_workers) {
    const bool first = workers.empty();
    auto worker = Worker::make(**service, std::move(change), first);
    if (!worker) return std::unexpected(worker.error());
    supervised.push_back(worker->get());
    reloaded.push_back(worker->get());
    workers.push_back(std::move(*worker));
  }
  Reload changes(**service, std::move(reloaded));
  program::Reload<Settings> reload(
      log, (*service)->reloads, std::move(reread),
      [&changes](const Settings& read) { return changes.apply(read); });
  program::Supervisor supervisor(log, settings.drain_timeout, std::move(supervised),
                                 [&reload] { reload.run(); });
  AdminContent content({.program = "rproxyd",
                        .started = event::read_now(),
                        .workers = count,
                        .configuration_file = config_file,
                        .listeners = opened->bound},
                       supervisor);
  admin::Commands commands;
  add_ban_commands(commands, **service);
  const auto admin = admin::Interface::open(settings.admin, content, commands, log);
  if (admin->address())
    opened->bound.push_back({.transport = "admin", .address = *admin->address()});
  for (const event::BoundListener& listener : opened->bound) {
    log.info("listener.open", "listening", logging::field("transport", listener.transport),
             logging::field("address", listener.address));
  }
  if (!announce_file.empty()) {
    if (auto announced = event::announce(announce_file, opened->bound); !announced) {
      return std::unexpected(announced.error());
    }
  }
  log.info("started", "rproxyd serves",
           logging::field("version", std::string_view(VESTIBULE_VERSION)),
           logging::field("workers", count));
  supervisor.run();
  log.info("stopped", "rproxyd has ended");
  return {};
}

} // namespace rproxyd
