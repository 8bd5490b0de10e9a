// What an operator should look at, in sentences, each with the time since when it holds. Found anew at
// each look; what no longer holds is gone.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libcore/base/time.h"
#include "libcore/metrics/process.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

class Warnings {
 public:
  static constexpr std::chrono::days kCertificateEndsSoon{14};
  static constexpr double kDescriptorsNearlyUsedUp = 0.9; // of the limit

  // [{ since, text }], the oldest first.
  nlohmann::json look(const Service& service, const metrics::ProcessFigures& process,
                      std::size_t silent_workers, const core::Now& now);

 private:
  std::map<std::string, core::WallTime> since_; // by text
};

} // namespace rproxyd
