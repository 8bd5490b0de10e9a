// turnd sessions: the allocations of the running daemon, once or live; ends one.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "libcore/base/error.h"
#include "libcore/program/running_daemon.h"
#include "turnd/session_list.h"

namespace turnd {

class SessionsCommand {
 public:
  explicit SessionsCommand(CLI::App& app); // adds itself

  bool parsed() const { return sessions_->parsed(); }
  // `config_file` empty: the daemon is looked for where it is by default. The exit code.
  int run(const std::string& config_file) const;

 private:
  core::Result<nlohmann::json> ask_for_list(const std::string& socket) const;
  int list(const std::string& socket) const;
  int watch(const std::string& socket) const;
  int kill(const std::string& socket) const;

  CLI::App* sessions_;
  program::RunningDaemon daemon_;
  CLI::App* kill_ = nullptr;
  std::string id_;
  std::string user_;
  std::string client_;
  SessionOrder order_ = SessionOrder::age;
  CLI::Option* sort_ = nullptr;
  std::size_t limit_ = 0; // 0: all
  bool watch_ = false;
};

} // namespace turnd
