#include "turnd/shell/reload.h"

#include <utility>

#include "turnd/settings/changes.h"

namespace turnd {

core::Result<std::vector<std::string>> Reload::apply(const Settings& settings) {
  auto tls = service_.load_tls(settings.listeners);
  if (!tls) return std::unexpected(tls.error());

  const auto credentials = credentials_of(settings);
  for (Worker* worker : workers_) worker->set_credentials(credentials);
  service_.set_tls(*std::move(tls));
  in_force_.realm = settings.realm;
  in_force_.credentials = settings.credentials;
  return changes_for_a_restart(in_force_, settings);
}

} // namespace turnd
