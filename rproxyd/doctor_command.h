// rproxyd doctor: asks DNS, the hosts and the TURN server of a domain as clients do, and says what each
// kind of client would meet. Needs no running daemon.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace rproxyd {

class DoctorCommand {
 public:
  explicit DoctorCommand(CLI::App& app);        // adds itself
  DoctorCommand(const DoctorCommand&) = delete; // the options hold its address
  DoctorCommand& operator=(const DoctorCommand&) = delete;
  ~DoctorCommand() = default;

  bool parsed() const { return doctor_->parsed(); }
  int run() const; // 0: all is well; 1: something is not; 2: usage

 private:
  CLI::App* doctor_;
  std::string domain_;
  std::vector<std::string> dns_;
  std::string ca_file_;
  std::string turn_;
  std::string realm_;
  std::string turn_user_;
  std::string turn_password_file_;
  bool json_ = false;
};

} // namespace rproxyd
