// turnd: reads its command line and runs, mints a credential, or edits a users file.
#include <optional>

#include "libcore/program/command_line.h"
#include "libcore/program/log_command.h"
#include "libcore/program/schema_command.h"
#include "libcore/program/upgrade_command.h"
#include "turnd/credential.h"
#include "turnd/sessions_command.h"
#include "turnd/settings/changes.h"
#include "turnd/settings/read.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/daemon.h"
#include "turnd/shell/needs.h"
#include "turnd/shell/offload.h"
#include "turnd/status_command.h"
#include "turnd/user_command.h"

int main(int argc, char** argv) {
  program::CommandLine command("turnd", "TURN and STUN server");

  turnd::CredentialRequest credential;
  CLI::App* mint = command.app().add_subcommand(
      "credential", "mint a time-limited credential from a shared secret");
  mint->add_option("--secret-file", credential.secret_file,
                   "holds the shared secret on its first line")
      ->required()
      ->type_name("FILE");
  mint->add_option("--user", credential.user, "whom it is for")->required()->type_name("NAME");
  mint->add_option("--ttl", credential.ttl, "how long it can be used, such as 1h")
      ->required()
      ->type_name("TIME");

  mint->add_flag("--sha256", credential.sha256, "make the password with SHA-256 instead of SHA-1");
  const turnd::UserCommand user(command.app());
  const program::LogCommand log_command("turnd", command.app());
  const program::SchemaCommand schema("turnd", command.app());
  const turnd::SessionsCommand sessions(command.app());
  const turnd::StatusCommand status(command.app());
  const program::UpgradeCommand upgrade("turnd", command.app());

  if (const auto exit_code = command.parse(argc, argv)) return *exit_code;
  if (mint->parsed()) return turnd::print_credential(credential);
  if (user.parsed()) return user.run();
  if (schema.parsed()) {
    const auto restart = turnd::subjects_for_a_restart();
    return schema.run(turnd::read, {restart.begin(), restart.end()});
  }
  if (log_command.parsed()) return log_command.run(command.config_file(), turnd::load);
  if (sessions.parsed()) return sessions.run(command.config_file());
  if (status.parsed()) return status.run(command.config_file());
  if (upgrade.parsed()) return upgrade.run(command.config_file(), turnd::load);
  std::optional<turnd::Offload> offload;
  return command.run(
      turnd::load, turnd::needs_of,
      [&](const turnd::Settings& settings, logging::Logger& log, const std::string& config_file,
          const std::string& announce_file, const program::Confinement& confinement) {
        const auto reread = [&] {
          return confinement.within_reach(turnd::load(config_file, config::SystemSurroundings()),
                                          turnd::needs_of);
        };
        return turnd::run_daemon(settings, log, config_file, announce_file, reread,
                                 command.takes_over(), confinement, *offload);
      },
      [&](const turnd::Settings& settings) { offload.emplace(settings).load(); });
}
