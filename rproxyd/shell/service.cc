#include "rproxyd/shell/service.h"

#include <utility>

#include "libcore/event/loop.h"

namespace rproxyd {

core::Result<std::unique_ptr<Service>> Service::make(const Settings& settings,
                                                     logging::Logger& log) {
  auto service = std::make_unique<Service>();
  service->log = &log;
  service->connections = std::make_unique<ConnectionLimits>(settings.limits.connections,
                                                            settings.limits.connections_per_client);
  if (settings.pin_guard.enabled) {
    auto guard = SharedGuard::make(settings.pin_guard, log, event::read_now());
    if (!guard) return std::unexpected(guard.error());
    service->guard = std::move(*guard);
  }
  auto generation = Generation::make(settings, *service, nullptr);
  if (!generation) return std::unexpected(generation.error());
  auto names = NameWatch::begin(settings.dns, (*generation)->pools, log);
  if (!names) return std::unexpected(names.error());
  service->names = std::move(*names);
  service->set_generation(*std::move(generation));
  return service;
}

std::shared_ptr<const Generation> Service::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void Service::set_generation(std::shared_ptr<const Generation> generation) {
  const std::lock_guard lock(mutex_);
  generation_ = std::move(generation);
}

} // namespace rproxyd
