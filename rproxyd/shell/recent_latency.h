// The latency of the last minute, from histograms that only grow: each time that somebody looks, the one
// of then is kept for a while.
#pragma once

#include <deque>
#include <utility>

#include "libcore/base/histogram.h"
#include "libcore/base/time.h"

namespace rproxyd {

class RecentLatency {
 public:
  static constexpr core::Duration kWindow = std::chrono::minutes(1);
  static constexpr core::Duration kStep = std::chrono::seconds(5); // between those that are kept

  // What came within the window, or since the first look.
  core::Histogram note(core::TimePoint now, const core::Histogram& all) {
    while (kept_.size() > 1 && now - kept_[1].first >= kWindow) kept_.pop_front();
    const core::Histogram recent = kept_.empty() ? all : all.since(kept_.front().second);
    if (kept_.empty() || now - kept_.back().first >= kStep) kept_.emplace_back(now, all);
    return recent;
  }

 private:
  std::deque<std::pair<core::TimePoint, core::Histogram>> kept_; // kWindow / kStep + 1 at most
};

} // namespace rproxyd
