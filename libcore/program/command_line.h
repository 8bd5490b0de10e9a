// What both daemons' command lines have in common: run (also without a command) and check, with
// --config and --announce; completion, and what their manual pages are made of. A daemon adds commands of its own to app().
#pragma once

#include <CLI/CLI.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "libcore/base/error.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "libcore/log/log.h"
#include "libcore/program/confinement.h"
#include "libcore/program/starter.h"
#include "libcore/sandbox/account.h"
#include "libcore/sandbox/sandbox.h"

namespace program {

inline constexpr int kRefused = 1; // configuration or start-up
inline constexpr int kUsage = 2;

class CommandLine {
 public:
  CommandLine(std::string name, std::string description);
  CommandLine(const CommandLine&) = delete; // the options hold its address
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine() = default;

  CLI::App& app() { return app_; }
  const std::string& config_file() const { return config_file_; }
  // Whether a daemon that runs is to be taken over from (libcore/take_over).
  bool takes_over() const { return take_over_; }
  // nullopt: go on. Else the exit code; what there was to say has been said.
  std::optional<int> parse(int argc, char** argv);

  // Runs what was asked for. `load(path, surroundings)` reads the settings, `needs_of(settings)` says
  // what its sandbox must leave the daemon, `run_daemon(settings, log, config_file, announce_file,
  // confinement)` serves until it is told to end. `begin(settings)` is called before, with the rights that the
  // process was started with and before it has another thread.
  template <typename Load, typename NeedsOf, typename RunDaemon, typename Begin>
  int run(Load&& load, NeedsOf&& needs_of, RunDaemon&& run_daemon, Begin&& begin) const {
    if (!has_config()) return kUsage;
    if (check_->parsed()) return check(load);
    const Starter starter = make_starter();
    auto loaded = load_checked(load);
    if (!loaded) return refuse(loaded.error());
    begin(loaded->settings);
    const auto another_user = sandbox::give_up_root(loaded->settings.sandbox);
    if (!another_user) return refuse(another_user.error());
    if (*another_user) { // who finds now what it could not read in a reload
      loaded = load_checked(load);
      if (!loaded) return refuse(loaded.error(), sandbox::own_name());
    }
    const auto& settings = loaded->settings;
    const Confinement confinement(settings.sandbox, needs_of(settings), config_file_,
                                  announce_file_, starter);
    logging::Logger log(settings.log.level, settings.log.format);
    for (const config::Problem& problem : loaded->warnings) {
      log.warning("config", config::to_string(problem));
    }
    confinement.tell(log);
    const core::Result<void> ran =
        run_daemon(settings, log, config_file_, announce_file_, confinement);
    if (ran) return 0;
    log.error("start.refused", ran.error().text);
    return kRefused;
  }
  template <typename Load, typename NeedsOf, typename RunDaemon>
  int run(Load&& load, NeedsOf&& needs_of, RunDaemon&& run_daemon) const {
    return run(load, needs_of, run_daemon, [](const auto&) {});
  }

 private:
  template <typename Load>
  auto load_checked(Load&& load) const {
    auto loaded = load(config_file_, config::SystemSurroundings());
    if (!loaded) return loaded;
    if (auto problems = check_user(loaded->settings.sandbox, config_file_); !problems.empty())
      loaded = std::unexpected(std::move(problems));
    return loaded;
  }
  template <typename Load>
  int check(Load&& load) const {
    const auto loaded = load_checked(load);
    std::fputs(config::report(config_file_, loaded ? loaded->warnings : loaded.error()).c_str(),
               stdout);
    return loaded ? 0 : kRefused;
  }
  // `user`: as whom it was read, where that is another one than it was started as.
  int refuse(const config::Problems& problems, const std::string& user = {}) const;
  int refuse(const core::Error& error) const;
  Starter make_starter() const;
  bool has_config() const; // says so if not
  bool described() const;  // prints a completion or the manual, if that was asked for

  std::string name_;
  CLI::App app_;
  CLI::App* check_ = nullptr;
  CLI::App* completion_ = nullptr;
  CLI::App* manual_ = nullptr;
  std::string shell_;
  std::string config_file_;
  std::string announce_file_;
  bool take_over_ = false;
};

} // namespace program
