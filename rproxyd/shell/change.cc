#include "rproxyd/shell/change.h"

#include <algorithm>
#include <utility>

#include "libcore/event/loop.h"
#include "libcore/event/socket.h"

namespace rproxyd {
namespace {

// A guard that is off keeps what it knows, for when it is on again.
core::Result<void> prepare_guard(Change& change, const Settings& settings, Service& service) {
  if (!settings.pin_guard.enabled) return {};
  const core::Now now = event::read_now();
  if (service.guard) {
    auto prepared = service.guard->prepare(settings.pin_guard, now);
    if (!prepared) return std::unexpected(prepared.error());
    change.guard = *std::move(prepared);
    return {};
  }
  auto made = SharedGuard::make(settings.pin_guard, *service.log, now);
  if (!made) return std::unexpected(made.error());
  change.new_guard = *std::move(made);
  return {};
}

core::Result<void> open_listeners(Change& change, const Generation* former,
                                  const InheritedSockets& inherited) {
  for (const ListenerRules& listener : change.generation->listeners) {
    if (former != nullptr && former->listener(listener.id) != nullptr) continue;
    // With port 0 the first socket finds a port, and the others share it.
    core::SocketAddress address = listener.settings.address;
    std::vector<event::Fd> sockets;
    if (inherited) sockets = inherited(address);
    if (!sockets.empty()) address = event::local_address(sockets.front().get());
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      WorkerChange& worker = change.for_workers[i % change.for_workers.size()];
      worker.sockets.emplace_back(listener.id, std::move(sockets[i]));
    }
    for (std::size_t i = sockets.size(); i < change.for_workers.size(); ++i) {
      WorkerChange& worker = change.for_workers[i];
      auto fd = event::listen_tcp(address, event::Sharing::shared);
      if (!fd) return std::unexpected(fd.error());
      address = event::local_address(fd->get());
      worker.sockets.emplace_back(listener.id, std::move(*fd));
    }
    change.opened.push_back(
        {.transport = listener.settings.tls ? "https" : "http", .address = address});
  }
  return {};
}

} // namespace

core::Result<Change> prepare(const Settings& settings, Service& service, std::size_t workers,
                             const InheritedSockets& inherited) {
  const auto former = service.generation();
  Change change;
  if (auto guard = prepare_guard(change, settings, service); !guard)
    return std::unexpected(guard.error());
  const std::shared_ptr<SharedGuard> guard = !settings.pin_guard.enabled ? nullptr
                                             : change.new_guard          ? change.new_guard
                                                                         : service.guard;
  auto generation = Generation::make(settings, service, guard, former.get());
  if (!generation) return std::unexpected(generation.error());
  change.generation = *std::move(generation);
  for (std::size_t i = 0; i < workers; ++i) {
    auto contexts = contexts_for(*change.generation, former.get());
    if (!contexts) return std::unexpected(contexts.error());
    change.for_workers.push_back(
        {.generation = change.generation, .contexts = *std::move(contexts), .sockets = {}});
  }
  if (auto opened = open_listeners(change, former.get(), inherited); !opened)
    return std::unexpected(opened.error());
  auto names =
      NameWatch::make(settings, change.generation->pools, service.names.get(), *service.log);
  if (!names) return std::unexpected(names.error());
  change.names = *std::move(names);
  return change;
}

void put_in_force(Change& change, Service& service) {
  const Settings& settings = change.generation->settings;
  // A level that was set by hand stays, as long as the configured one does.
  const auto former = service.generation();
  if (!former || former->settings.log.level != settings.log.level)
    service.log->set_level(settings.log.level);
  service.log->set_format(settings.log.format);
  service.tickets->share(settings.session_tickets, event::read_now().wall);
  service.connections.set(settings.limits.connections, settings.limits.connections_per_client);
  if (change.new_guard) service.guard = std::move(change.new_guard);
  if (change.guard) service.guard->apply(*std::move(change.guard), event::read_now());
  service.names.reset();
  service.names = std::move(change.names);
  service.names->begin();
  service.set_generation(change.generation);
}

} // namespace rproxyd
