// turnd status: what the running daemon is doing, on one page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "libcore/program/running_daemon.h"

namespace turnd {

class StatusCommand {
 public:
  explicit StatusCommand(CLI::App& app); // adds itself

  bool parsed() const { return status_->parsed(); }
  // `config_file` empty: the daemon is looked for where it is by default. The exit code.
  int run(const std::string& config_file) const;

 private:
  CLI::App* status_;
  program::RunningDaemon daemon_;
  bool ready_ = false;
};

} // namespace turnd
