// What is kept of one backend for people and for metrics: what became of its exchanges, how long it took
// to answer, and how its state has changed, and why. Decides nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/histogram.h"
#include "libcore/base/time.h"
#include "rproxyd/proxy/backend_pool.h"

namespace rproxyd {

enum class BackendState : std::uint8_t {
  up,
  maintenance, // keeps its clients, gets no new ones
  down,        // fails its checks
  resting,     // could not be reached, and has not been since
  draining,    // no longer among the pool's: what is in progress goes on
};
inline constexpr std::size_t kBackendStates = static_cast<std::size_t>(BackendState::draining) + 1;
std::string_view name_of(BackendState state);

// As the pool sees it at the moment.
BackendState state_of(const BackendPool::Status& status, bool is_member);

struct BackendCounts {
  std::uint64_t answered = 0; // attempts at requests, by outcome
  std::uint64_t broken = 0;
  std::uint64_t unfinished = 0; // broken off by the client, or never connected
  std::uint64_t connect_failures = 0;
  std::uint64_t rests = 0; // times that it was left alone for a while
  std::uint64_t checks_passed = 0;
  std::uint64_t checks_failed = 0;
  core::Histogram latency; // from the request to the head of the answer
};

class BackendRecord {
 public:
  static constexpr std::size_t kTransitions = 16; // the latest are kept
  static constexpr std::size_t kWhyBytes = 200;

  struct Transition {
    core::TimePoint at{};
    BackendState state = BackendState::up;
    std::string why;
  };

  explicit BackendRecord(core::TimePoint added);

  // `reached`: this was learnt by reaching it. A backend that rests is not believed to be well
  // because its time is up, only because it answers.
  void learn(BackendState state, bool reached, core::TimePoint now, std::string_view why);
  void attempt_ended(BackendPool::Outcome outcome, std::optional<core::Duration> head_after);
  void connect_failed() { ++counts_.connect_failures; }
  void began_to_rest() { ++counts_.rests; }
  void checked(CheckResult result);

  const Transition& current() const { return transitions_.back(); }
  const std::deque<Transition>& transitions() const { return transitions_; } // the oldest first
  const BackendCounts& counts() const { return counts_; }

 private:
  BackendCounts counts_;
  std::deque<Transition> transitions_; // never empty
};

} // namespace rproxyd
