#include "rproxyd/proxy/backend_health.h"

#include <utility>

namespace rproxyd {

CheckResult check_result(std::uint16_t status, std::string_view body) {
  if (status >= 200 && status < 400) return CheckResult::passed;
  if (status == 503 && body.contains("Maintenance mode")) return CheckResult::maintenance;
  return CheckResult::failed;
}

bool BackendHealth::note(CheckResult result, const HealthRules& rules) {
  const State before = state_;
  const bool first = !std::exchange(checked_, true);
  if (result == CheckResult::maintenance) {
    state_ = State::maintenance;
    in_a_row_ = 0;
    return state_ != before;
  }
  const bool agrees = state_ == (result == CheckResult::passed ? State::up : State::down);
  if (agrees) {
    in_a_row_ = 0;
    return false;
  }
  ++in_a_row_;
  const unsigned needed = result == CheckResult::passed ? rules.rise : rules.fall;
  // Nothing is known of a backend that was never checked: its first failure is believed.
  if (in_a_row_ < needed && !first) return false;
  state_ = result == CheckResult::passed ? State::up : State::down;
  in_a_row_ = 0;
  return state_ != before;
}

std::string_view name_of(BackendHealth::State state) {
  switch (state) {
    case BackendHealth::State::up:
      return "up";
    case BackendHealth::State::maintenance:
      return "maintenance";
    case BackendHealth::State::down:
      return "down";
  }
  return "";
}

} // namespace rproxyd
