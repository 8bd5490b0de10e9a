// rproxyd upgrade, turnd upgrade: the running daemon starts the program that lies now where its own
// was started from, as `run --take-over`, which takes over from it (libcore/take_over).
//
// The daemon's starter does it (starter.h), and not the command: thus the new process begins as the old one
// did, with its user and environment, and is in the service's control group, without which the service manager
// would not believe that it is the main one now.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "libcore/admin/commands.h"
#include "libcore/base/time.h"
#include "libcore/log/log.h"
#include "libcore/program/command_line.h"
#include "libcore/program/running_daemon.h"
#include "libcore/program/starter.h"

namespace program {

// The daemon's side. `log` and `starter` must outlive the commands.
void add_upgrade_command(admin::Commands& commands, logging::Logger& log, const Starter& starter);

class UpgradeCommand {
 public:
  // A new process has a minute to prepare itself (take_over::kReadyWithin), and then to begin.
  static constexpr core::Duration kPatience = std::chrono::seconds(90);

  UpgradeCommand(std::string program, CLI::App& app); // adds itself

  bool parsed() const { return command_->parsed(); }

  // Returns once the new process serves, or has failed; the exit code. `config_file` empty: the daemon
  // is looked for where it is by default.
  template <typename Load>
  int run(const std::string& config_file, Load&& load) const {
    const auto socket = daemon_.socket(config_file, load);
    return socket ? upgrade(*socket) : kRefused;
  }

 private:
  int upgrade(const std::string& socket) const;

  CLI::App* command_;
  RunningDaemon daemon_;
};

} // namespace program
