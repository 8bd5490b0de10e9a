#include "rproxyd/shell/needs.h"

#include "libcore/program/confinement.h"

namespace rproxyd {

sandbox::Needs needs_of(const Settings& settings) {
  sandbox::Needs needs;
  sandbox::Reach& reach = needs.reach;
  for (const std::string& each : settings.files_read) reach.read_file(each);
  for (const Settings::Listener& each : settings.listeners) {
    if (each.tls) program::add_certificates(reach, each.tls->certificates);
    if (each.acme_challenges) reach.read_folder(*each.acme_challenges);
  }
  for (const auto& [name, pool] : settings.pools) {
    if (pool.tls.ca_file) reach.read_file(*pool.tls.ca_file);
  }
  for (const Settings::Route& each : settings.routes) {
    if (const auto* folder = std::get_if<Settings::StaticFolder>(&each.target))
      reach.read_folder(folder->folder);
  }
  for (const auto& [status, page] : settings.error_pages) reach.read_file(page);
  const Settings::PinGuard& guard = settings.pin_guard;
  if (guard.state) reach.write_file(*guard.state);
  if (guard.redis && !guard.redis->ca_file.empty()) reach.read_file(guard.redis->ca_file);
  if (guard.audit_log) reach.write_file(*guard.audit_log);
  if (settings.log.access) reach.write_file(*settings.log.access);
  program::add_admin(reach, settings.admin);
  // Names are looked up by resolv.conf and hosts, which are replaced as a whole.
  reach.read_file("/etc/resolv.conf");
  // The system's authorities, which /etc/ssl/certs has links to.
  reach.read_folder("/usr/share/ca-certificates");
  reach.read_folder("/usr/local/share/ca-certificates");
  return needs;
}

} // namespace rproxyd
