#include "turnd/settings/changes.h"

namespace turnd {
namespace {

constexpr const char* kWorkers = "workers"; // each has its loop, its sockets and what it serves
constexpr const char* kOffload = "offload"; // its program is loaded with rights that are given up
constexpr const char* kSandbox = "sandbox"; // what was given up doesn't come back

} // namespace

std::vector<std::string> subjects_for_a_restart() { return {kWorkers, kOffload, kSandbox}; }

std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read) {
  std::vector<std::string> changed;
  if (in_force.workers != read.workers) changed.emplace_back(kWorkers);
  if (in_force.offload != read.offload) changed.emplace_back(kOffload);
  if (in_force.sandbox != read.sandbox) changed.emplace_back(kSandbox);
  return changed;
}

void keep_what_takes_a_restart(Settings& settings, const Settings& in_force) {
  settings.workers = in_force.workers;
  settings.offload = in_force.offload;
  settings.sandbox = in_force.sandbox;
}

} // namespace turnd
