#include "rproxyd/shell/reload.h"

#include <algorithm>
#include <semaphore>
#include <utility>

#include "rproxyd/settings/changes.h"

namespace rproxyd {

core::Result<std::vector<std::string>> Reload::apply(const Settings& settings) {
  const auto former = service_.generation();
  auto next = Generation::make(applied(former->settings, settings), service_, former.get());
  if (!next) return std::unexpected(next.error());
  if (auto taken = hand_out(*next, *former); !taken) return std::unexpected(taken.error());
  follow_servers(former->settings, (*next)->settings);
  return changes_for_a_restart((*next)->settings, settings);
}

// What is in force, with what can be changed of it.
Settings Reload::applied(const Settings& in_force, const Settings& read) {
  Settings next = in_force;
  for (Settings::Listener& listener : next.listeners) {
    const auto found = std::ranges::find_if(read.listeners, [&](const Settings::Listener& each) {
      return each.address == listener.address && each.tls && !each.tls->certificates.empty();
    });
    if (listener.tls && found != read.listeners.end())
      listener.tls->certificates = found->tls->certificates;
  }
  for (auto& [name, pool] : next.pools) {
    const auto found = read.pools.find(name);
    if (found != read.pools.end()) pool.servers = found->second.servers;
  }
  return next;
}

core::Result<void> Reload::hand_out(const std::shared_ptr<const Generation>& next,
                                    const Generation& former) {
  std::vector<WorkerChange> changes;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto contexts = contexts_for(*next, &former);
    if (!contexts) return std::unexpected(contexts.error());
    changes.push_back({.generation = next, .contexts = *std::move(contexts), .sockets = {}});
  }
  service_.set_generation(next);
  // A worker that hangs, or has ended, is not waited for longer than that.
  auto all = std::make_shared<std::counting_semaphore<>>(0);
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->adopt(std::move(changes[i]), [all] { all->release(); });
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (all->try_acquire_until(until)) continue;
    service_.log->warning("reload.late", "a worker has not taken the configuration up yet");
    break;
  }
  return {};
}

void Reload::follow_servers(const Settings& former, const Settings& next) {
  for (const auto& [name, pool] : next.pools) {
    if (former.pools.at(name).servers == pool.servers) continue;
    service_.names->follow(name, pool.servers);
    service_.log->info("pool.changed", "the pool has other servers", logging::field("pool", name),
                       logging::field("servers", pool.servers.size()));
  }
}

} // namespace rproxyd
