#include "rproxyd/proxy/backend_record.h"

namespace rproxyd {

std::string_view name_of(BackendState state) {
  switch (state) {
    case BackendState::up:
      return "up";
    case BackendState::maintenance:
      return "maintenance";
    case BackendState::down:
      return "down";
    case BackendState::resting:
      return "resting";
    case BackendState::draining:
      return "draining";
  }
  return "";
}

BackendState state_of(const BackendPool::Status& status, bool is_member) {
  if (!is_member) return BackendState::draining;
  if (status.health == BackendHealth::State::down) return BackendState::down;
  if (status.in_back_off) return BackendState::resting;
  if (status.health == BackendHealth::State::maintenance) return BackendState::maintenance;
  return BackendState::up;
}

BackendRecord::BackendRecord(core::TimePoint added) {
  transitions_.push_back({.at = added, .state = BackendState::up, .why = "added"});
}

void BackendRecord::learn(BackendState state, bool reached, core::TimePoint now,
                          std::string_view why) {
  const BackendState before = current().state;
  if (state == before) return;
  const bool well = state == BackendState::up || state == BackendState::maintenance;
  if (before == BackendState::resting && well && !reached) return;
  if (transitions_.size() >= kTransitions) transitions_.pop_front();
  transitions_.push_back({.at = now, .state = state, .why = std::string(why.substr(0, kWhyBytes))});
}

void BackendRecord::attempt_ended(BackendPool::Outcome outcome,
                                  std::optional<core::Duration> head_after) {
  switch (outcome) {
    case BackendPool::Outcome::answered:
      ++counts_.answered;
      break;
    case BackendPool::Outcome::broken:
      ++counts_.broken;
      break;
    case BackendPool::Outcome::unknown:
      ++counts_.unfinished;
      break;
  }
  if (head_after) counts_.latency.note(*head_after);
}

void BackendRecord::checked(CheckResult result) {
  ++(result == CheckResult::failed ? counts_.checks_failed : counts_.checks_passed);
}

} // namespace rproxyd
