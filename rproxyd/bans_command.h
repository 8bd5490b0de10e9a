// rproxyd bans: who is banned by the running daemon; bans and lifts.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "libcore/program/running_daemon.h"

namespace rproxyd {

class BansCommand {
 public:
  explicit BansCommand(CLI::App& app); // adds itself

  bool parsed() const { return bans_->parsed(); }
  // `config_file` empty: the daemon is looked for where it is by default. The exit code.
  int run(const std::string& config_file) const;

 private:
  CLI::App* bans_;
  program::RunningDaemon daemon_;
  CLI::App* add_ = nullptr;
  CLI::App* remove_ = nullptr;
  CLI::App* clear_ = nullptr;
  std::string address_;
  std::string duration_;
};

} // namespace rproxyd
