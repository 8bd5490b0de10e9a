#include "turnd/shell/reload.h"

#include <string>
#include <utility>

#include "turnd/settings/changes.h"

namespace turnd {

void Reload::run() {
  logging::Logger& log = service_.log();
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
  const auto credentials = credentials_of(settings);
  for (Worker* worker : workers_) worker->set_credentials(credentials);
  service_.set_tls(std::move(tls));
  in_force_.realm = settings.realm;
  in_force_.credentials = settings.credentials;

  logging::Logger& log = service_.log();
  std::string names;
  for (const std::string_view name : changes_for_a_restart(in_force_, settings)) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  if (!names.empty()) {
    log.warning("reload.incomplete", "what has changed here takes a restart",
                logging::field("changed", names));
  }
  log.info("reload.done", "users, shared secrets and certificates are in force",
           logging::field("users", settings.credentials.users.size() +
                                       settings.credentials.stored_users.size()),
           logging::field("shared_secrets", settings.credentials.shared_secrets.size()));
}

void Reload::refuse(const config::Problems& problems) {
  logging::Logger& log = service_.log();
  for (const config::Problem& problem : problems) {
    if (problem.severity == config::Severity::error) {
      log.error("config", config::to_string(problem));
    } else {
      log.warning("config", config::to_string(problem));
    }
  }
  log.error("reload.refused", "nothing has changed");
}

} // namespace turnd
