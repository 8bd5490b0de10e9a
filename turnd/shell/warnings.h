// What an operator should look at, in sentences, each with the time since when it holds. Found anew at
// each look; what no longer holds is gone.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libcore/base/time.h"
#include "libcore/metrics/process.h"
#include "turnd/shell/daemon_figures.h"

namespace turnd {

class Warnings {
 public:
  static constexpr std::chrono::days kCertificateEndsSoon{14};
  static constexpr double kNearlyUsedUp = 0.9; // of descriptors, and of an address's relay ports

  // [{ since, text }], the oldest first.
  nlohmann::json look(const DaemonFigures& figures, const metrics::ProcessFigures& process,
                      core::WallTime now);

 private:
  std::map<std::string, core::WallTime> since_; // by text
};

} // namespace turnd
