#include "rproxyd/shell/daemon.h"

#include <fcntl.h>

#include <memory>
#include <optional>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/event/announce.h"
#include "libcore/event/loop.h"
#include "libcore/program/log_command.h"
#include "libcore/program/named_files.h"
#include "libcore/program/supervisor.h"
#include "libcore/program/upgrade_command.h"
#include "libcore/take_over/giving.h"
#include "rproxyd/shell/admin_content.h"
#include "rproxyd/shell/ban_commands.h"
#include "rproxyd/shell/change.h"
#include "rproxyd/shell/hand_over.h"
#include "rproxyd/shell/inheritance.h"
#include "rproxyd/shell/log_files.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {
namespace {

void reopen_logs(Service& service) {
  if (const auto file = service.generation()->access_log) reopen_log(*file, *service.log);
  if (service.guard) service.guard->reopen_audit_log();
}

InheritedSockets sockets_of(std::optional<Inheritance>& inherited) {
  if (!inherited) return {};
  return [&inherited](const core::SocketAddress& address) {
    return inherited->take_listener(address);
  };
}

// What a reload waits for by itself.
std::vector<std::string> watched_files(const Settings& settings) {
  if (!settings.reload.watch) return {};
  std::vector<config::CertificateFiles> certificates;
  for (const Settings::Listener& each : settings.listeners) {
    if (!each.tls) continue;
    certificates.insert(certificates.end(), each.tls->certificates.begin(),
                        each.tls->certificates.end());
  }
  return program::files_to_watch(settings.files_read, certificates);
}

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              bool take_over, ReadSettings reread,
                              const program::Confinement& confinement) {
  const unsigned count = program::worker_count(settings.workers);
  program::allow_all_descriptors();
  std::optional<Inheritance> inherited;
  if (take_over) {
    auto begun = Inheritance::begin(settings.admin.socket);
    if (!begun) return std::unexpected(begun.error());
    inherited.emplace(*std::move(begun));
  }
  // What fails from here on, the process that is to be taken over from is told; it serves on.
  const auto failed = [&](const core::Error& error) {
    if (inherited) inherited->refuse(error.text);
    return std::unexpected(error);
  };
  Service service(log);
  if (inherited) inherited->prepare(service);
  auto change = prepare(settings, service, count, sockets_of(inherited));
  if (!change) return failed(change.error());
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
  Reload changes(service, reloaded);
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
  std::function<void()> reload_once;
  program::Supervisor supervisor(log, settings.drain_timeout, std::move(supervised),
                                 [&reload_once] { reload_once(); });
  program::WatchedFiles watched(supervisor.loop(), log, [&supervisor] { supervisor.reload(); });
  watched.set(watched_files(settings));
  reload_once = [&] {
    reload.run();
    const Settings& in_force = service.generation()->settings;
    supervisor.set_drain_timeout(in_force.drain_timeout);
    watched.set(watched_files(in_force));
  };
  supervisor.on_reopen_logs([&service] { reopen_logs(service); });
  if (inherited) {
    if (auto completed = inherited->complete(service); !completed) return failed(completed.error());
  }

  HandOver hand_over(service, reloaded, supervisor);
  take_over::Giving giving("rproxyd", hand_over, log);
  AdminContent content({.program = "rproxyd",
                        .started = event::read_now(),
                        .workers = count,
                        .configuration_file = config_file,
                        .listeners = change->opened,
                        .sandbox = confinement.report()},
                       supervisor, service, reloaded);
  admin::Commands commands;
  add_ban_commands(commands, service);
  program::add_log_command(commands, log);
  program::add_upgrade_command(commands, log, confinement.starter());
  commands.add_for_socket("take-over", [&](const nlohmann::json& question, int socket) {
    giving.begin(event::Fd(::fcntl(socket, F_DUPFD_CLOEXEC, 0)), question);
  });
  admin::Interface::Inherited inherited_admin{.replaces = inherited.has_value(),
                                              .http = event::Fd()};
  if (inherited && settings.admin.address)
    inherited_admin.http = inherited->take_admin(*settings.admin.address);
  const auto admin =
      admin::Interface::open(settings.admin, content, commands, log, std::move(inherited_admin));
  hand_over.set_admin(admin.get());
  running = admin.get();
  if (const auto address = admin->address())
    change->opened.push_back({.transport = "admin", .address = *address});
  for (const event::BoundListener& listener : change->opened) {
    log.info("listener.open", "listening", logging::field("transport", listener.transport),
             logging::field("address", listener.address));
  }
  if (!announce_file.empty()) {
    if (auto announced = event::announce(announce_file, change->opened); !announced) {
      // Nobody else serves any more.
      if (!inherited) return std::unexpected(announced.error());
      log.warning("announce.failed", "where this process listens can't be written",
                  logging::field("reason", announced.error()));
    }
  }
  log.info("started", "rproxyd serves",
           logging::field("version", std::string_view(VESTIBULE_VERSION)),
           logging::field("workers", count));
  if (inherited) inherited->listen(service);
  supervisor.ready(inherited.has_value());
  supervisor.run();
  hand_over.set_admin(nullptr); // it goes before what may still be asking for it
  inherited.reset();            // it uses the service
  log.info("stopped", "rproxyd has ended");
  return {};
}

} // namespace rproxyd
