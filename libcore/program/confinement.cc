#include "libcore/program/confinement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "libcore/sandbox/account.h"

namespace program {
namespace {

constexpr auto kWayOut =
    "a folder that the configuration named at the start; or `upgrade` (nobody is cut) or a "
    "restart; or \"sandbox.landlock\": false";

// What the libraries and the C library use by themselves.
void add_system(sandbox::Reach& reach) {
  for (const auto* folder :
       {"/usr/lib/locale/x", "/usr/share/zoneinfo/x", "/sys/devices/system/cpu/x"})
    reach.read_file(folder);
  for (const auto* file : {"/dev/null", "/dev/urandom", "/dev/random", "/proc"})
    reach.read_file(file);
  reach.write_file("/dev/null");
}

sandbox::Reach whole_reach(sandbox::Reach reach, const std::string& config_file,
                           const std::string& announce_file) {
  reach.read_file(config_file);
  if (!announce_file.empty()) reach.write_file(announce_file);
  add_system(reach);
  return reach;
}

} // namespace

Confinement::Confinement(const config::Sandbox& settings, sandbox::Needs needs,
                         const std::string& config_file, const std::string& announce_file,
                         const Starter& starter)
    : config_file_(config_file), starter_(starter) {
  needs.reach = whole_reach(std::move(needs.reach), config_file, announce_file);
  report_ = sandbox::confine(settings, needs);
}

void Confinement::tell(logging::Logger& log) const {
  log.info("sandbox", "what this process may still do", logging::field("user", report_.user),
           logging::field("capabilities", fmt::format("{}", fmt::join(report_.capabilities, ","))),
           logging::field("no_new_privileges", name_of(report_.no_new_privileges)),
           logging::field("seccomp", name_of(report_.seccomp)),
           logging::field("landlock", name_of(report_.landlock)),
           logging::field("core_dumps", report_.core_dumps ? "on" : "off"));
  for (const std::string& each : report_.remarks) log.warning("sandbox.remark", each);
}

config::Problems Confinement::beyond_reach(const sandbox::Reach& wanted) const {
  config::Problems problems;
  for (const std::string& each : report_.reach.lacks(wanted)) {
    problems.push_back({.severity = config::Severity::error,
                        .place = {.file = config_file_, .pointer = ""},
                        .found = fmt::format("{} is beyond what this process can reach", each),
                        .expected = kWayOut});
  }
  return problems;
}

// The kernel gives one reason for both; nobody should look for it in the modes of files alone.
void Confinement::explain_refusals(config::Problems& problems) const {
  const std::string denied = std::generic_category().message(EACCES);
  if (std::ranges::none_of(
          problems, [&](const config::Problem& each) { return each.found.contains(denied); }))
    return;
  problems.push_back(
      {.severity = config::Severity::error,
       .place = {.file = config_file_, .pointer = ""},
       .found = fmt::format("what is denied may lie beyond what this process can reach ({})",
                            fmt::join(report_.reach.readable(), ", ")),
       .expected = kWayOut});
}

config::Problems check_user(const config::Sandbox& settings, const std::string& config_file) {
  if (!settings.user) return {};
  const auto account = sandbox::find_account(*settings.user, settings.group);
  if (account) return {};
  return {{.severity = config::Severity::error,
           .place = {.file = config_file, .pointer = "/sandbox/user"},
           .found = account.error().text,
           .expected = "one of this machine"}};
}

void add_certificates(sandbox::Reach& reach, const std::vector<config::CertificateFiles>& files) {
  for (const config::CertificateFiles& each : files) {
    reach.read_file(each.certificate);
    if (!each.key.empty()) reach.read_file(each.key);
  }
}

void add_admin(sandbox::Reach& reach, const config::Admin& admin) {
  if (admin.socket) reach.write_file(*admin.socket);
  if (!admin.tls) return;
  add_certificates(reach, admin.tls->certificates);
  if (admin.tls->client_ca_file) reach.read_file(*admin.tls->client_ca_file);
}

} // namespace program
