// Tells the operator of limits that held something back: a line for each limit and whom it concerned,
// at once when it begins, then one an interval with how many it was. All workers share one.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "libcore/log/log.h"
#include "turnd/relay/limits_hit.h"

namespace turnd {

class LimitLog {
 public:
  static constexpr core::Duration kInterval = std::chrono::seconds(10);
  static constexpr std::size_t kMaxSubjects = 1024;

  explicit LimitLog(logging::Logger& log) : log_(log) {}
  ~LimitLog(); // tells what was not told yet
  LimitLog(const LimitLog&) = delete;
  LimitLog& operator=(const LimitLog&) = delete;

  // From any thread. True: something waits for its interval to end; come again.
  bool add(std::vector<LimitHit> hits, core::TimePoint now);

 private:
  struct Subject {
    std::optional<core::TimePoint> told;
    std::uint64_t count = 0; // since then
  };
  void tell(Limit limit, const std::string& subject, std::uint64_t count);

  logging::Logger& log_;
  std::mutex mutex_;
  std::map<std::pair<Limit, std::string>, Subject> subjects_;
};

} // namespace turnd
