#include "turnd/shell/daemon.h"

#include <fcntl.h>

#include <memory>
#include <optional>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/event/announce.h"
#include "libcore/program/log_command.h"
#include "libcore/program/named_files.h"
#include "libcore/program/supervisor.h"
#include "libcore/program/upgrade_command.h"
#include "turnd/shell/admin_content.h"
#include "turnd/shell/listeners.h"
#include "turnd/shell/loads_file.h"
#include "turnd/shell/offload.h"
#include "turnd/shell/session_commands.h"
#include "turnd/shell/take_over_giver.h"
#include "turnd/shell/taken_over.h"
#include "turnd/shell/worker.h"

namespace turnd {
namespace {

// "no_permission=3 limited=1": what there was any of.
class NamedCounts {
 public:
  void add(std::string_view name, std::uint64_t count) {
    if (count == 0) return;
    if (!text_.empty()) text_ += ' ';
    text_.append(name).append("=").append(std::to_string(count));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void log_totals(logging::Logger& log, const std::vector<std::unique_ptr<Worker>>& workers) {
  Counters sum;
  std::uint64_t lost = 0;
  std::uint64_t proxies_refused = 0;
  for (const auto& worker : workers) {
    sum += worker->counters();
    lost += worker->losses().all();
    proxies_refused += worker->proxies_refused();
  }
  NamedCounts drops;
  NamedCounts limits;
  NamedCounts refusals;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    drops.add(name_of(static_cast<DropReason>(i)), sum.drops[i]);
  }
  for (std::size_t i = 0; i < kLimits; ++i) {
    limits.add(name_of(static_cast<Limit>(i)), sum.limits[i]);
  }
  for (const stun::ErrorCode code : Refusals::kErrorCodes) {
    refusals.add(std::to_string(static_cast<int>(code)), sum.refusals.of(code));
  }
  Traffic to_peers;
  Traffic to_clients;
  for (const Traffic& traffic : sum.to_peers) to_peers += traffic;
  for (const Traffic& traffic : sum.to_clients) to_clients += traffic;
  log.info("stopped", "turnd has ended", logging::field("allocations", sum.allocations),
           logging::field("packets_to_peers", to_peers.packets),
           logging::field("packets_to_clients", to_clients.packets),
           logging::field("icmp_to_clients", sum.icmp_to_clients),
           logging::field("packets_lost", lost), logging::field("proxies_refused", proxies_refused),
           logging::field("refused", refusals.text()), logging::field("dropped", drops.text()),
           logging::field("limited", limits.text()));
}

// What a reload waits for by itself.
std::vector<std::string> watched_files(const Settings& settings) {
  if (!settings.reload.watch) return {};
  std::vector<config::CertificateFiles> certificates;
  for (const Settings::Listener& each : settings.listeners) {
    certificates.insert(certificates.end(), each.certificates.begin(), each.certificates.end());
  }
  return program::files_to_watch(settings.files_read, certificates);
}

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              ReadSettings reread, bool take_over,
                              const program::Confinement& confinement, Offload& offload) {
  const unsigned count = program::worker_count(settings.workers);
  program::allow_all_descriptors();
  std::optional<TakenOver> taken;
  if (take_over) {
    auto begun = TakenOver::begin(settings, offload);
    if (!begun) return std::unexpected(begun.error());
    taken.emplace(*std::move(begun));
  }
  const auto service = std::make_unique<Service>(
      settings, count, taken ? taken->keys() : Service::Keys::random(), log);
  Listeners listeners(count, log);
  if (taken) listeners.inherit(taken->take_listeners());
  auto opened = listeners.prepare(settings.listeners);
  if (!opened) return std::unexpected(opened.error());
  auto sockets = listeners.change_to(*std::move(opened));

  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<program::Worker*> supervised;
  std::vector<Worker*> reloaded;
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(*service, service->server_config(i, listeners),
                                               std::move(sockets[i])));
    supervised.push_back(workers.back().get());
    reloaded.push_back(workers.back().get());
  }

  if (!taken) {
    if (auto begun = offload.start(reloaded, log); !begun) return begun;
  }
  if (taken) {
    if (auto finished = taken->finish(workers, listeners.dealt(), offload, log); !finished)
      return finished;
  }

  std::vector<Worker*> givers = reloaded;
  admin::Interface* admin = nullptr; // once signals are handled, and thus reloads
  const auto announce = [&]() -> core::Result<void> {
    if (announce_file.empty()) return {};
    auto bound = listeners.bound();
    if (const auto address = admin ? admin->address() : std::nullopt) {
      bound.push_back({.transport = "admin", .address = *address});
    }
    return event::announce(announce_file, bound);
  };
  const std::vector<Worker*> shown = reloaded;
  const std::vector<Worker*> offloading = reloaded;
  SessionCommands sessions(shown);
  Reload changes(*service, listeners, std::move(reloaded));
  program::Supervisor* supervisor_to_tell = nullptr;
  program::WatchedFiles* watched_to_tell = nullptr;
  LoadsFile* loads_to_tell = nullptr;
  program::Reload<Settings> reload(
      log, service->reloads(), std::move(reread),
      [&](const Settings& read) -> core::Result<std::vector<std::string>> {
        auto doors = admin->prepare(read.admin);
        if (!doors) return std::unexpected(doors.error());
        auto applied = changes.apply(read);
        if (!applied) return applied;
        admin->apply(*std::move(doors));
        supervisor_to_tell->set_drain_timeout(read.drain_timeout);
        watched_to_tell->set(watched_files(read));
        loads_to_tell->start();
        if (auto announced = announce(); !announced) {
          log.warning("announce.failed", announced.error().text);
        }
        return applied;
      });
  program::Supervisor supervisor(log, settings.drain_timeout, std::move(supervised),
                                 [&reload] { reload.run(); });
  supervisor_to_tell = &supervisor;
  program::WatchedFiles watched(supervisor.loop(), log, [&supervisor] { supervisor.reload(); });
  watched_to_tell = &watched;
  watched.set(watched_files(settings));
  LoadsFile loads(supervisor.loop(), *service);
  loads_to_tell = &loads;
  loads.start();
  AdminContent content({.program = "turnd",
                        .started = event::read_now(),
                        .workers = count,
                        .configuration_file = config_file,
                        .listeners = {},
                        .sandbox = confinement.report()},
                       listeners, supervisor, *service, offload, shown);
  TakeOverGiver giver(*service, offload, std::move(givers), supervisor);
  take_over::Giving giving("turnd", giver, log);
  admin::Commands commands;
  program::add_log_command(commands, log);
  program::add_upgrade_command(commands, log, confinement.starter());
  commands.add("sessions",
               [&sessions](const nlohmann::json& question) { return sessions.answer(question); });
  commands.add_for_socket("take-over", [&giving](const nlohmann::json& question, int socket) {
    giving.begin(event::Fd(::fcntl(socket, F_DUPFD_CLOEXEC, 0)), question);
  });
  admin::Interface::Inherited inherited{.replaces = taken.has_value(), .http = {}};
  if (taken) inherited.http = taken->take_admin(settings.admin.address);
  const auto open_admin =
      admin::Interface::open(settings.admin, content, commands, log, std::move(inherited));
  admin = open_admin.get();
  giver.set_admin(admin);
  if (auto announced = announce(); !announced) return std::unexpected(announced.error());
  log.info("started", "turnd serves",
           logging::field("version", std::string_view(VESTIBULE_VERSION)),
           logging::field("workers", count));
  if (taken) offload.start_when_free(offloading, supervisor.loop(), log);
  supervisor.ready(take_over);
  supervisor.run();
  giver.set_admin(nullptr); // it goes before what may still be asking for it
  log_totals(log, workers);
  return {};
}

} // namespace turnd
