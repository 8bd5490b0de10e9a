// What active checks have found out about one backend. A single check decides nothing: `fall` failed
// ones in a row take a backend out, `rise` good ones bring it back. But a node that says it is in
// maintenance is believed at once: it still serves those whom it knows.
#pragma once

#include <cstdint>
#include <string_view>

namespace rproxyd {

enum class CheckResult : std::uint8_t { passed, failed, maintenance };

// What an answer to a check means: 2xx and 3xx are good, and a 503 that speaks of maintenance (the
// platform's status resource, in maintenance mode) is neither good nor bad.
CheckResult check_result(std::uint16_t status, std::string_view body);

struct HealthRules {
  unsigned fall = 2;
  unsigned rise = 2;
};

class BackendHealth {
 public:
  enum class State : std::uint8_t { up, maintenance, down };

  BackendHealth() = default;
  // As another process has seen it.
  struct Seen {
    State state = State::up;
    bool checked = false;
    unsigned in_a_row = 0;
  };
  explicit BackendHealth(const Seen& seen)
      : state_(seen.state), checked_(seen.checked), in_a_row_(seen.in_a_row) {}
  Seen seen() const { return {state_, checked_, in_a_row_}; }

  State state() const { return state_; }
  // True when the state is another one now.
  bool note(CheckResult result, const HealthRules& rules);

 private:
  State state_ = State::up; // until a check says otherwise
  bool checked_ = false;    // once, at least
  unsigned in_a_row_ = 0;   // results that speak against the state
};

std::string_view name_of(BackendHealth::State state);

} // namespace rproxyd
