#include "rproxyd/shell/reload.h"

#include <algorithm>
#include <semaphore>
#include <utility>

#include "rproxyd/settings/changes.h"
#include "rproxyd/shell/change.h"

namespace rproxyd {

core::Result<std::vector<std::string>> Reload::apply(const Settings& read) {
  const auto former = service_.generation();
  Settings settings = read;
  keep_what_takes_a_restart(settings, former->settings);
  auto change = prepare(settings, service_, workers_.size());
  if (!change) return std::unexpected(change.error());
  put_in_force(*change, service_);
  hand_out(std::move(change->for_workers));
  tell(*former, *change);
  return changes_for_a_restart(settings, read);
}

void Reload::hand_out(std::vector<WorkerChange> changes) {
  auto taken = std::make_shared<std::counting_semaphore<>>(0);
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->adopt(std::move(changes[i]), [taken] { taken->release(); });
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (taken->try_acquire_until(until)) continue;
    service_.log->warning("reload.late", "a worker has not taken the configuration up yet");
    return;
  }
}

void Reload::tell(const Generation& former, const Change& change) const {
  logging::Logger& log = *service_.log;
  for (const event::BoundListener& listener : change.opened) {
    log.info("listener.open", "listening", logging::field("transport", listener.transport),
             logging::field("address", listener.address));
  }
  for (const ListenerRules& listener : former.listeners) {
    if (change.generation->listener(listener.id) != nullptr) continue;
    log.info("listener.closed", "nothing new is accepted; its connections live on",
             logging::field("address", listener.settings.address));
  }
  for (const auto& [name, pool] : change.generation->settings.pools) {
    const auto before = former.settings.pools.find(name);
    if (before == former.settings.pools.end() || before->second.servers == pool.servers) continue;
    log.info("pool.changed", "the pool has other servers", logging::field("pool", name),
             logging::field("servers", pool.servers.size()));
  }
}

} // namespace rproxyd
