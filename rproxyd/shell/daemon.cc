#include "rproxyd/shell/daemon.h"

#include <memory>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/event/announce.h"
#include "libcore/event/loop.h"
#include "libcore/program/log_command.h"
#include "libcore/program/supervisor.h"
#include "rproxyd/shell/admin_content.h"
#include "rproxyd/shell/ban_commands.h"
#include "rproxyd/shell/change.h"
#include "rproxyd/shell/log_files.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {
namespace {

void reopen_logs(Service& service) {
  if (const auto file = service.generation()->access_log) reopen_log(*file, *service.log);
  if (service.guard) service.guard->reopen_audit_log();
}

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              ReadSettings reread) {
  const unsigned count = program::worker_count(settings.workers);
  program::allow_all_descriptors();
  Service service(log);
  auto change = prepare(settings, service, count);
  if (!change) return std::unexpected(change.error());
  put_in_force(*change, service);

  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<program::Worker*> supervised;
  std::vector<Worker*> reloaded;
  for (WorkerChange& mine : change->for_workers) {
    const bool first = workers.empty();
    workers.push_back(std::make_unique<Worker>(service, std::move(mine), first));
    supervised.push_back(workers.back().get());
    reloaded.push_back(workers.back().get());
  }
  Reload changes(service, std::move(reloaded));
  admin::Interface* running = nullptr; // once signals are handled, and thus reloads
  program::Reload<Settings> reload(
      log, service.reloads, std::move(reread),
      [&](const Settings& read) -> core::Result<std::vector<std::string>> {
        auto doors = running->prepare(read.admin);
        if (!doors) return std::unexpected(doors.error());
        auto applied = changes.apply(read);
        if (applied) running->apply(*std::move(doors));
        return applied;
      });
  program::Supervisor supervisor(log, settings.drain_timeout, std::move(supervised), [&] {
    reload.run();
    supervisor.set_drain_timeout(service.generation()->settings.drain_timeout);
  });
  supervisor.on_reopen_logs([&service] { reopen_logs(service); });
  AdminContent content({.program = "rproxyd",
                        .started = event::read_now(),
                        .workers = count,
                        .configuration_file = config_file,
                        .listeners = change->opened},
                       supervisor);
  admin::Commands commands;
  add_ban_commands(commands, service);
  program::add_log_command(commands, log);
  const auto admin = admin::Interface::open(settings.admin, content, commands, log);
  running = admin.get();
  if (admin->address())
    change->opened.push_back({.transport = "admin", .address = *admin->address()});
  for (const event::BoundListener& listener : change->opened) {
    log.info("listener.open", "listening", logging::field("transport", listener.transport),
             logging::field("address", listener.address));
  }
  if (!announce_file.empty()) {
    if (auto announced = event::announce(announce_file, change->opened); !announced) {
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
