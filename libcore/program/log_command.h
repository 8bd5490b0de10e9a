// rproxyd log, turnd log: what the running daemon logs, and how to make it say more or less of it.
//
//   log                    shows the levels
//   log debug              all subjects that have no level of their own
//   log backend=debug ...  a subject: the first part of an event's name
//   log reset              subjects have no levels of their own any more
//
// What is set lasts until the daemon ends, or a reload finds another level in the configuration.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include "libcore/admin/commands.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "libcore/log/log.h"

namespace program {

// The daemon's side. `log` must outlive the commands.
void add_log_command(admin::Commands& commands, logging::Logger& log);

class LogCommand {
 public:
  LogCommand(std::string program, CLI::App& app); // adds itself
  LogCommand(const LogCommand&) = delete;         // the options hold its address
  LogCommand& operator=(const LogCommand&) = delete;
  ~LogCommand() = default;

  bool parsed() const { return command_->parsed(); }

  // The exit code. `config_file` empty: the daemon is looked for where it is by default.
  template <typename Load>
  int run(const std::string& config_file, Load&& load) const {
    if (!socket_.empty()) return ask(socket_);
    if (config_file.empty()) return ask("/run/vestibule/" + program_ + ".sock");
    const auto loaded = load(config_file, config::SystemSurroundings());
    if (!loaded) {
      std::fputs(config::report(config_file, loaded.error()).c_str(), stderr);
      return 1;
    }
    return ask(loaded->settings.admin.socket.value_or(""));
  }

 private:
  int ask(const std::string& socket) const;

  std::string program_;
  CLI::App* command_;
  std::vector<std::string> changes_;
  std::string socket_;
  bool json_ = false;
};

} // namespace program
