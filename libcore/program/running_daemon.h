// The daemon that a command is for: where it is found, how it is asked, and how what went wrong is said.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/error.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"

namespace program {

class RunningDaemon {
 public:
  // Gives `command` the options --socket and --json, and lets it have those of the program (--config).
  RunningDaemon(std::string program, CLI::App& command);
  RunningDaemon(const RunningDaemon&) = delete; // the options hold its address
  RunningDaemon& operator=(const RunningDaemon&) = delete;
  ~RunningDaemon() = default;

  bool json() const { return json_; } // for scripts: answers are printed as they are
  const std::string& program() const { return program_; }

  // Where it takes commands: --socket, or what the configuration says; without one (`config_file` empty), the
  // usual place. nullopt: nowhere, which has been said. `load` reads the daemon's settings from a file.
  template <typename Load>
  std::optional<std::string> socket(const std::string& config_file, Load&& load) const {
    if (!socket_.empty()) return socket_;
    if (config_file.empty()) return "/run/vestibule/" + program_ + ".sock";
    const auto loaded = load(config_file, config::SystemSurroundings());
    if (!loaded) {
      refused_file(config_file, loaded.error());
      return std::nullopt;
    }
    if (!loaded->settings.admin.socket)
      refused("no admin socket is configured: admin.socket is null");
    return loaded->settings.admin.socket;
  }

  // Says it: on standard error, and to scripts as {"ok": false, "error": why}. The exit code.
  int refused(std::string_view why) const;

 private:
  void refused_file(const std::string& config_file, const config::Problems& problems) const;

  std::string program_;
  std::string socket_;
  bool json_ = false;
};

// The daemon's answer, an object. The error: it can't be reached, or it refuses, in its own words.
core::Result<nlohmann::json> ask_daemon(const std::string& socket, const nlohmann::json& question);

// A member that is a string, as a terminal can be shown it: names, rooms and reasons are others' words.
std::string text_of(const nlohmann::json& object, std::string_view key);

// For scripts: one line.
void print_json(const nlohmann::json& answer);

} // namespace program
