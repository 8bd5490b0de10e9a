#include "rproxyd/shell/reload.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "rproxyd/settings/changes.h"

namespace rproxyd {

void Reload::run() {
  logging::Logger& log = *service_.log;
  log.info("reload.begin", "the configuration is read again");
  auto loaded = read_();
  if (!loaded) return refuse(loaded.error());
  for (const config::Problem& problem : loaded->warnings) {
    log.warning("config", config::to_string(problem));
  }
  const Settings& settings = loaded->settings;
  auto tls = service_.load_tls(settings.listeners);
  if (!tls) {
    log.error("reload.refused", "nothing has changed", logging::field("reason", tls.error().text));
    return;
  }
  apply(settings, *std::move(tls));
}

void Reload::apply(const Settings& settings, TlsContexts tls) {
  logging::Logger& log = *service_.log;
  service_.set_tls(std::move(tls));
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

  const auto names = changes_for_a_restart(in_force_, settings);
  if (!names.empty()) {
    log.warning("reload.incomplete", "what has changed here takes a restart",
                logging::field("changed", fmt::format("{}", fmt::join(names, ", "))));
  }
  log.info("reload.done", "certificates and servers are in force");
}

void Reload::refuse(const config::Problems& problems) const {
  logging::Logger& log = *service_.log;
  for (const config::Problem& problem : problems) {
    if (problem.severity == config::Severity::error) {
      log.error("config", config::to_string(problem));
    } else {
      log.warning("config", config::to_string(problem));
    }
  }
  log.error("reload.refused", "nothing has changed");
}

} // namespace rproxyd
