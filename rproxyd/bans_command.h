// rproxyd bans: who is banned by the running daemon; bans and lifts.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace rproxyd {

class BansCommand {
 public:
  explicit BansCommand(CLI::App& app);      // adds itself
  BansCommand(const BansCommand&) = delete; // the options hold its address
  BansCommand& operator=(const BansCommand&) = delete;
  ~BansCommand() = default;

  bool parsed() const { return bans_->parsed(); }
  // `config_file` empty: the daemon is looked for where it is by default. The exit code.
  int run(const std::string& config_file) const;

 private:
  CLI::App* bans_;
  CLI::App* add_ = nullptr;
  CLI::App* remove_ = nullptr;
  CLI::App* clear_ = nullptr;
  std::string address_;
  std::string duration_;
  std::string socket_;
  bool json_ = false;
};

} // namespace rproxyd
