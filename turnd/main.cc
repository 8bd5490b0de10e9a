// turnd: reads its command line, wires the parts together and waits for signals.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <string>

#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "turnd/credential.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/daemon.h"

namespace {

constexpr int kRefused = 1; // contract: exit codes
constexpr int kUsage = 2;

int check(const std::string& path) {
  const auto loaded = turnd::load(path, config::SystemSurroundings());
  std::fputs(config::report(path, loaded ? loaded->warnings : loaded.error()).c_str(), stdout);
  return loaded ? 0 : kRefused;
}

int run(const std::string& path, const std::string& announce_file) {
  const auto loaded = turnd::load(path, config::SystemSurroundings());
  if (!loaded) {
    std::fputs(config::report(path, loaded.error()).c_str(), stderr);
    return kRefused;
  }
  const auto& settings = loaded->settings;
  logging::Logger log(settings.log.level, settings.log.format);
  for (const config::Problem& problem : loaded->warnings) {
    log.warning("config", config::to_string(problem));
  }
  const auto ran = turnd::run_daemon(settings, log, announce_file);
  if (!ran) {
    log.error("start.refused", ran.error().text);
    return kRefused;
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  // A client that is gone shows as EPIPE where it is handled.
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app("TURN and STUN server", "turnd");
  app.set_version_flag("--version", fmt::format("turnd {}", VESTIBULE_VERSION));
  std::string config_file;
  std::string announce_file;
  const auto add_config = [&](CLI::App* to) {
    to->add_option("--config", config_file, "the configuration file, JSON")
        ->required()
        ->type_name("FILE");
  };
  const auto add_announce = [&](CLI::App* to) {
    to->add_option("--announce", announce_file,
                   "write the bound addresses to FILE once clients are served")
        ->type_name("FILE");
  };
  app.require_subcommand(0, 1);
  app.add_option("--config", config_file, "the configuration file, JSON")->type_name("FILE");
  add_announce(&app);
  CLI::App* run_command =
      app.add_subcommand("run", "run in the foreground (also when no command is given)");
  add_config(run_command);
  add_announce(run_command);
  CLI::App* check_command =
      app.add_subcommand("check", "validate the configuration file and say what is wrong with it");
  add_config(check_command);

  turnd::CredentialRequest credential;
  CLI::App* credential_command =
      app.add_subcommand("credential", "mint a time-limited credential from a shared secret");
  credential_command
      ->add_option("--secret-file", credential.secret_file,
                   "holds the shared secret on its first line")
      ->required()
      ->type_name("FILE");
  credential_command->add_option("--user", credential.user, "whom it is for")
      ->required()
      ->type_name("NAME");
  credential_command->add_option("--ttl", credential.ttl, "how long it can be used, such as 1h")
      ->required()
      ->type_name("TIME");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (credential_command->parsed()) return turnd::print_credential(credential);
  if (config_file.empty()) {
    fmt::print(stderr, "turnd: --config FILE is needed; see turnd --help\n");
    return kUsage;
  }
  return check_command->parsed() ? check(config_file) : run(config_file, announce_file);
}
