// How a daemon comes into its sandbox and lives in it: what every program does with libcore/sandbox.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "libcore/config/admin.h"
#include "libcore/config/certificate_files.h"
#include "libcore/config/problem.h"
#include "libcore/log/log.h"
#include "libcore/program/starter.h"
#include "libcore/sandbox/sandbox.h"

namespace program {

class Confinement {
 public:
  // From here on this process can no more than it needs. `starter` is borrowed.
  Confinement(const config::Sandbox& settings, sandbox::Needs needs, const std::string& config_file,
              const std::string& announce_file, const Starter& starter);

  const sandbox::Report& report() const { return report_; }
  const Starter& starter() const { return starter_; }
  void tell(logging::Logger& log) const;

  // What a reload has read, refused where it takes files that Landlock keeps from this process.
  template <typename Settings, typename NeedsOf>
  std::expected<config::Loaded<Settings>, config::Problems> within_reach(
      std::expected<config::Loaded<Settings>, config::Problems> loaded, NeedsOf&& needs_of) const {
    if (report_.landlock != sandbox::State::on) return loaded;
    if (!loaded) {
      explain_refusals(loaded.error());
      return loaded;
    }
    auto problems = beyond_reach(needs_of(loaded->settings).reach);
    if (problems.empty()) return loaded;
    for (config::Problem& each : loaded->warnings) problems.push_back(std::move(each));
    return std::unexpected(std::move(problems));
  }

 private:
  config::Problems beyond_reach(const sandbox::Reach& wanted) const;
  void explain_refusals(config::Problems& problems) const;

  const std::string config_file_;
  const Starter& starter_;
  sandbox::Report report_;
};

// A configured user that isn't there; empty: all is well.
config::Problems check_user(const config::Sandbox& settings, const std::string& config_file);

// The files of both daemons' settings.
void add_certificates(sandbox::Reach& reach, const std::vector<config::CertificateFiles>& files);
void add_admin(sandbox::Reach& reach, const config::Admin& admin);

} // namespace program
