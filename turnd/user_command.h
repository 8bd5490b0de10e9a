// turnd user: who stands in a users file.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace turnd {

class UserCommand {
 public:
  explicit UserCommand(CLI::App& app);      // adds itself
  UserCommand(const UserCommand&) = delete; // the options hold its address
  UserCommand& operator=(const UserCommand&) = delete;
  ~UserCommand() = default;

  bool parsed() const { return user_->parsed(); }
  int run() const; // the exit code

 private:
  int add() const;
  int remove() const;
  int list() const;

  CLI::App* user_;
  CLI::App* add_ = nullptr;
  CLI::App* remove_ = nullptr;
  std::string name_;
  std::string realm_;
  std::string file_;
};

} // namespace turnd
