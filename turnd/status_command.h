// turnd status: what the running daemon is doing, on one page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace turnd {

class StatusCommand {
 public:
  explicit StatusCommand(CLI::App& app);        // adds itself
  StatusCommand(const StatusCommand&) = delete; // the options hold its address
  StatusCommand& operator=(const StatusCommand&) = delete;
  ~StatusCommand() = default;

  bool parsed() const { return status_->parsed(); }
  // `config_file` empty: the daemon is looked for where it is by default. The exit code.
  int run(const std::string& config_file) const;

 private:
  CLI::App* status_;
  std::string socket_;
  bool json_ = false;
  bool ready_ = false;
};

} // namespace turnd
