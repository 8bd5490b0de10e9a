#include "turnd/shell/reload.h"

#include <utility>

#include "turnd/settings/changes.h"

namespace turnd {

core::Result<std::vector<std::string>> Reload::apply(const Settings& read) {
  Settings settings = read;
  const auto in_force = service_.settings();
  keep_what_takes_a_restart(settings, *in_force);
  if (auto usable = service_.check(settings); !usable) return std::unexpected(usable.error());
  auto next = listeners_.prepare(settings.listeners);
  if (!next) return std::unexpected(next.error());

  service_.change_to(settings);
  auto sockets = listeners_.change_to(*std::move(next));
  for (unsigned i = 0; i < workers_.size(); ++i) {
    workers_[i]->change_to({.config = service_.server_config(i, listeners_),
                            .credentials = service_.credentials(),
                            .nonces = service_.nonces(),
                            .listeners = std::move(sockets[i])});
  }
  service_.log().set_level(settings.log.level);
  service_.log().set_format(settings.log.format);
  return changes_for_a_restart(*in_force, read);
}

} // namespace turnd
