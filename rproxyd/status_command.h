// rproxyd status: one look at the running daemon.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "libcore/program/running_daemon.h"

namespace rproxyd {

class StatusCommand {
 public:
  explicit StatusCommand(CLI::App& app); // adds itself

  bool parsed() const { return status_->parsed(); }
  // As BansCommand::run(): 0 when there is an answer.
  int run(const std::string& config_file) const;

 private:
  CLI::App* status_;
  program::RunningDaemon daemon_;
  bool ready_ = false;
};

} // namespace rproxyd
