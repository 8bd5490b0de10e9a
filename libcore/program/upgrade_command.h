// rproxyd upgrade, turnd upgrade: the running daemon starts the program that lies now where its own
// was started from, as `run --take-over`, which takes over from it (libcore/take_over).
//
// The daemon starts it, and not the command: thus the new process has the user, the environment and the
// sandbox of the old one, and is in the service's control group, without which the service manager
// would not believe that it is the main one now.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

#include "libcore/admin/commands.h"
#include "libcore/base/time.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "libcore/log/log.h"

namespace program {

// The daemon's side. `log` must outlive the commands. The new process gets the same arguments.
void add_upgrade_command(admin::Commands& commands, logging::Logger& log,
                         const std::string& config_file, const std::string& announce_file);

class UpgradeCommand {
 public:
  // A new process has a minute to prepare itself (take_over::kReadyWithin), and then to begin.
  static constexpr core::Duration kPatience = std::chrono::seconds(90);

  UpgradeCommand(std::string program, CLI::App& app); // adds itself
  UpgradeCommand(const UpgradeCommand&) = delete;     // the options hold its address
  UpgradeCommand& operator=(const UpgradeCommand&) = delete;
  ~UpgradeCommand() = default;

  bool parsed() const { return command_->parsed(); }

  // Returns once the new process serves, or has failed; the exit code. `config_file` empty: the daemon
  // is looked for where it is by default.
  template <typename Load>
  int run(const std::string& config_file, Load&& load) const {
    if (!socket_.empty()) return upgrade(socket_);
    if (config_file.empty()) return upgrade("/run/vestibule/" + program_ + ".sock");
    const auto loaded = load(config_file, config::SystemSurroundings());
    if (!loaded) {
      std::fputs(config::report(config_file, loaded.error()).c_str(), stderr);
      return 1;
    }
    return upgrade(loaded->settings.admin.socket.value_or(""));
  }

 private:
  int upgrade(const std::string& socket) const;

  std::string program_;
  CLI::App* command_;
  std::string socket_;
};

} // namespace program
