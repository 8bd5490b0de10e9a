#include "libcore/program/command_line.h"

#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "libcore/program/command_shape.h"
#include "libcore/program/completion.h"
#include "libcore/program/manual.h"
#include "libcore/program/out_of_memory.h"

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
  completion_ = app_.add_subcommand(
      "completion", "print what a shell needs to complete commands and options of this program");
  completion_->add_option("shell", shell_, "which shell")
      ->required()
      ->check([](const std::string& shell) {
        return shell == "bash" || shell == "zsh" ? "" : "expected bash or zsh";
      })
      ->type_name("{bash,zsh}");
  manual_ =
      app_.add_subcommand("manual", "print the manual page's sections on commands and options")
          ->group(""); // hidden: packages are made with it
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  end_when_memory_is_gone(name_.c_str());
  // A peer that is gone shows as EPIPE where it is handled.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_.exit(error) == 0 ? 0 : kUsage;
  }
  if (described()) return 0;
  return std::nullopt;
}

bool CommandLine::described() const {
  if (!completion_->parsed() && !manual_->parsed()) return false;
  const CommandShape shape = shape_of(app_);
  if (manual_->parsed()) {
    std::fputs(manual_sections(shape).c_str(), stdout);
  } else {
    std::fputs((shell_ == "bash" ? bash_completion(shape) : zsh_completion(shape)).c_str(), stdout);
  }
  return true;
}

int CommandLine::refuse(const config::Problems& problems, const std::string& user) const {
  std::fputs(config::report(config_file_, problems).c_str(), stderr);
  if (!user.empty()) {
    fmt::print(stderr,
               "{}: read as user {}, whom \"sandbox.user\" names, since a reload is read so, too\n",
               name_, user);
  }
  return kRefused;
}

int CommandLine::refuse(const core::Error& error) const {
  fmt::print(stderr, "{}: {}\n", name_, error.text);
  return kRefused;
}

// With the arguments of a successor.
Starter CommandLine::make_starter() const {
  std::vector<std::string> arguments{"run", "--take-over", "--config", config_file_};
  if (!announce_file_.empty()) {
    arguments.emplace_back("--announce");
    arguments.push_back(announce_file_);
  }
  return {name_ + "-starter", arguments};
}

bool CommandLine::has_config() const {
  if (!config_file_.empty()) return true;
  fmt::print(stderr, "{}: --config FILE is needed; see {} --help\n", name_, name_);
  return false;
}

} // namespace program
