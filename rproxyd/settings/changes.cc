#include "rproxyd/settings/changes.h"

namespace rproxyd {
namespace {

constexpr const char* kWorkers = "workers"; // each has its loop, its sockets and what it serves

} // namespace

std::vector<std::string> subjects_for_a_restart() { return {kWorkers}; }

std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read) {
  if (in_force.workers == read.workers) return {};
  return {kWorkers};
}

void keep_what_takes_a_restart(Settings& settings, const Settings& in_force) {
  settings.workers = in_force.workers;
}

} // namespace rproxyd
