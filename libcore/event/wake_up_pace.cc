#include "libcore/event/wake_up_pace.h"

#include <utility>

namespace event {

std::optional<core::TimePoint> WakeUpPace::pause(core::TimePoint begin) {
  if (const auto over = std::exchange(over_, std::nullopt)) {
    ++pauses_;
    if (begin - *over > kAtOnce) ++in_vain_;
  }
  if (begin - since_ >= kLately) judge(begin);
  const bool left_some = std::exchange(left_some_, false);
  if (!together_ || left_some) return std::nullopt;
  return begin + kPeriod;
}

void WakeUpPace::judge(core::TimePoint now) {
  if (in_vain_ * kMostInVain > pauses_) not_before_ = now + kBursts;
  const auto wanted = static_cast<core::Duration::rep>(packets_) * kPeriod;
  together_ = now >= not_before_ &&
              wanted >= static_cast<core::Duration::rep>(kWorthwhile) * (now - since_);
  packets_ = pauses_ = in_vain_ = 0;
  since_ = now;
}

} // namespace event
