#include "turnd/shell/needs.h"

#include <linux/capability.h>

#include "libcore/program/confinement.h"

namespace turnd {

sandbox::Needs needs_of(const Settings& settings) {
  sandbox::Needs needs;
  for (const std::string& each : settings.files_read) needs.reach.read_file(each);
  if (settings.alternate.loads_file) needs.reach.read_file(*settings.alternate.loads_file);
  for (const Settings::Listener& each : settings.listeners)
    program::add_certificates(needs.reach, each.certificates);
  program::add_admin(needs.reach, settings.admin);
  // Buffers of relay sockets beyond the administrator's limit (socket_options.cc).
  needs.capabilities = sandbox::capability(CAP_NET_ADMIN);
  needs.kernel_maps = settings.offload.mode != Settings::Offload::Mode::off;
  return needs;
}

} // namespace turnd
