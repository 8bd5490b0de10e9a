#include "libcore/program/command_line.h"

#include <fmt/format.h>

#include <csignal>
#include <utility>

namespace program {

CommandLine::CommandLine(std::string name, std::string description)
    : name_(std::move(name)), app_(std::move(description), name_) {
  app_.set_version_flag("--version", fmt::format("{} {}", name_, VESTIBULE_VERSION));
  app_.require_subcommand(0, 1);

  constexpr auto kConfig = "the configuration file, JSON";
  constexpr auto kAnnounce = "write the bound addresses to FILE once clients are served";
  app_.add_option("--config", config_file_, kConfig)->type_name("FILE");
  app_.add_option("--announce", announce_file_, kAnnounce)->type_name("FILE");
  CLI::App* run =
      app_.add_subcommand("run", "run in the foreground (also when no command is given)");
  run->add_option("--config", config_file_, kConfig)->required()->type_name("FILE");
  run->add_option("--announce", announce_file_, kAnnounce)->type_name("FILE");
  run->add_flag("--take-over", take_over_,
                "take over from the daemon that runs with the same admin.socket: no connection is "
                "refused, and it finishes what it has");
  check_ =
      app_.add_subcommand("check", "validate the configuration file and say what is wrong with it");
  check_->add_option("--config", config_file_, kConfig)->required()->type_name("FILE");
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  // A peer that is gone shows as EPIPE where it is handled.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_.exit(error) == 0 ? 0 : kUsage;
  }
  return std::nullopt;
}

bool CommandLine::has_config() const {
  if (!config_file_.empty()) return true;
  fmt::print(stderr, "{}: --config FILE is needed; see {} --help\n", name_, name_);
  return false;
}

} // namespace program
