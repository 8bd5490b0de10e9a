// rproxyd status: one look at the running daemon.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace rproxyd {

class StatusCommand {
 public:
  explicit StatusCommand(CLI::App& app);        // adds itself
  StatusCommand(const StatusCommand&) = delete; // the options hold its address
  StatusCommand& operator=(const StatusCommand&) = delete;
  ~StatusCommand() = default;

  bool parsed() const { return status_->parsed(); }
  // As BansCommand::run(): 0 when there is an answer.
  int run(const std::string& config_file) const;

 private:
  CLI::App* status_;
  std::string socket_;
  bool json_ = false;
  bool ready_ = false;
};

} // namespace rproxyd
