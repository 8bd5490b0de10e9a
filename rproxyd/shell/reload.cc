#include "rproxyd/shell/reload.h"

#include <utility>

#include "rproxyd/settings/changes.h"

namespace rproxyd {

core::Result<std::vector<std::string>> Reload::apply(const Settings& settings) {
  auto tls = service_.load_tls(settings.listeners);
  if (!tls) return std::unexpected(tls.error());

  logging::Logger& log = *service_.log;
  service_.set_tls(*std::move(tls));
  if (settings.listeners.size() == in_force_.listeners.size()) {
    for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
      auto& former = in_force_.listeners[i].tls;
      const auto& read = settings.listeners[i].tls;
      if (former && read) former->certificates = read->certificates;
    }
  }
  for (auto& [name, pool] : in_force_.pools) {
    const auto read = settings.pools.find(name);
    if (read == settings.pools.end() || read->second.servers == pool.servers) continue;
    pool.servers = read->second.servers;
    service_.names->follow(name, pool.servers);
    log.info("pool.changed", "the pool has other servers", logging::field("pool", name),
             logging::field("servers", pool.servers.size()));
  }

  return changes_for_a_restart(in_force_, settings);
}

} // namespace rproxyd
