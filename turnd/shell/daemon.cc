#include "turnd/shell/daemon.h"

#include <memory>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/event/announce.h"
#include "libcore/event/socket.h"
#include "libcore/program/supervisor.h"
#include "turnd/shell/admin_content.h"
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

bool is_over_tcp(Settings::Transport transport) {
  return transport == Settings::Transport::tcp || transport == Settings::Transport::tls;
}

core::Result<Sockets> open_sockets(const Settings& settings, std::size_t workers) {
  Sockets sockets;
  sockets.by_worker.resize(workers);
  for (const Settings::Listener& listener : settings.listeners) {
    // With port 0 the first socket finds a port, and the others share it.
    core::SocketAddress address = listener.address;
    for (auto& mine : sockets.by_worker) {
      auto fd = !is_over_tcp(listener.transport)
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
    lost += worker->lost();
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
  for (std::size_t code = Refusals::kFirst; code < Refusals::kFirst + Refusals::kCodes; ++code) {
    refusals.add(std::to_string(code), sum.refusals.of(code));
  }
  log.info("stopped", "turnd has ended", logging::field("allocations", sum.allocations),
           logging::field("packets_to_peers", sum.packets_to_peers),
           logging::field("packets_to_clients", sum.packets_to_clients),
           logging::field("icmp_to_clients", sum.icmp_to_clients),
           logging::field("packets_lost", lost), logging::field("proxies_refused", proxies_refused),
           logging::field("refused", refusals.text()), logging::field("dropped", drops.text()),
           logging::field("limited", limits.text()));
}

} // namespace

core::Result<void> run_daemon(const Settings& settings, logging::Logger& log,
                              const std::string& config_file, const std::string& announce_file,
                              ReadSettings reread) {
  const unsigned count = program::worker_count(settings.workers);
  program::allow_all_descriptors();
  auto service = Service::make(settings, count, log);
  if (!service) return std::unexpected(service.error());
  auto sockets = open_sockets(settings, count);
  if (!sockets) return std::unexpected(sockets.error());

  std::vector<core::SocketAddress> addresses;
  for (const event::BoundListener& listener : sockets->bound) addresses.push_back(listener.address);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<program::Worker*> supervised;
  std::vector<Worker*> reloaded;
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<Worker>(**service, (*service)->server_config(i, addresses),
                                               std::move(sockets->by_worker[i])));
    supervised.push_back(workers.back().get());
    reloaded.push_back(workers.back().get());
  }

  Reload changes(**service, std::move(reloaded));
  program::Reload<Settings> reload(
      log, (*service)->reloads(), std::move(reread),
      [&changes](const Settings& read) { return changes.apply(read); });
  program::Supervisor supervisor(log, settings.drain_timeout, std::move(supervised),
                                 [&reload] { reload.run(); });
  AdminContent content({.program = "turnd",
                        .started = event::read_now(),
                        .workers = count,
                        .configuration_file = config_file,
                        .listeners = sockets->bound},
                       supervisor);
  admin::Commands commands;
  const auto admin = admin::Interface::open(settings.admin, content, commands, log);
  if (admin->address())
    sockets->bound.push_back({.transport = "admin", .address = *admin->address()});
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
  supervisor.run();
  log_totals(log, workers);
  return {};
}

} // namespace turnd
