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

#include <string>
#include <vector>

#include "libcore/admin/commands.h"
#include "libcore/log/log.h"
#include "libcore/program/command_line.h"
#include "libcore/program/running_daemon.h"

namespace program {

// The daemon's side. `log` must outlive the commands.
void add_log_command(admin::Commands& commands, logging::Logger& log);

class LogCommand {
 public:
  LogCommand(std::string program, CLI::App& app); // adds itself

  bool parsed() const { return command_->parsed(); }

  // The exit code. `config_file` empty: the daemon is looked for where it is by default.
  template <typename Load>
  int run(const std::string& config_file, Load&& load) const {
    const auto socket = daemon_.socket(config_file, load);
    return socket ? ask(*socket) : kRefused;
  }

 private:
  int ask(const std::string& socket) const;

  CLI::App* command_;
  RunningDaemon daemon_;
  std::vector<std::string> changes_;
};

} // namespace program
