// rproxyd: reads its command line and runs, or asks a daemon that is running.
#include "libcore/program/command_line.h"
#include "libcore/program/log_command.h"
#include "libcore/program/schema_command.h"
#include "libcore/program/upgrade_command.h"
#include "rproxyd/bans_command.h"
#include "rproxyd/doctor_command.h"
#include "rproxyd/settings/changes.h"
#include "rproxyd/settings/read.h"
#include "rproxyd/shell/daemon.h"
#include "rproxyd/shell/load.h"
#include "rproxyd/shell/needs.h"
#include "rproxyd/status_command.h"

int main(int argc, char** argv) {
  program::CommandLine command("rproxyd", "HTTPS reverse proxy for conferencing nodes");
  const rproxyd::BansCommand bans(command.app());
  const program::LogCommand log_command("rproxyd", command.app());
  const program::SchemaCommand schema("rproxyd", command.app());
  const rproxyd::DoctorCommand doctor(command.app());
  const rproxyd::StatusCommand status(command.app());
  const program::UpgradeCommand upgrade("rproxyd", command.app());
  if (const auto exit_code = command.parse(argc, argv)) return *exit_code;
  if (bans.parsed()) return bans.run(command.config_file());
  if (doctor.parsed()) return doctor.run();
  if (status.parsed()) return status.run(command.config_file());
  if (schema.parsed()) {
    const auto restart = rproxyd::subjects_for_a_restart();
    return schema.run(rproxyd::read, {restart.begin(), restart.end()});
  }
  if (log_command.parsed()) return log_command.run(command.config_file(), rproxyd::load);
  if (upgrade.parsed()) return upgrade.run(command.config_file(), rproxyd::load);
  return command.run(
      rproxyd::load_usable, rproxyd::needs_of,
      [&](const rproxyd::Settings& settings, logging::Logger& log, const std::string& config_file,
          const std::string& announce_file, const program::Confinement& confinement) {
        const auto reread = [&] {
          return confinement.within_reach(
              rproxyd::load_usable(config_file, config::SystemSurroundings()), rproxyd::needs_of);
        };
        return rproxyd::run_daemon(settings, log, config_file, announce_file, command.takes_over(),
                                   reread, confinement);
      });
}
