// Units of work that each wait for a server: some side by side, each in a thread of its own, at a rate or as fast as they come.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "tests/bench/load/latencies.h"

namespace bench {

struct Pace {
  double rate = 0; // a second; 0: as fast as they come
  double seconds = 0;
  unsigned at_once = 1;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

struct Outcome {
  std::uint64_t units = 0;
  double seconds = 0;
  Latencies latencies;
  double per_second() const { return static_cast<double>(units) / seconds; }
};

// A unit's latency counts from when it was due, not from when somebody had time for it.
template <typename Unit>
Outcome work(const Pace& pace, Unit unit) {
  using Clock = std::chrono::steady_clock;
  const auto after = [](double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  };
  const auto begin = Clock::now();
  const auto end = begin + after(pace.seconds);
  std::atomic<std::uint64_t> next = 0;
  std::vector<Outcome> outcomes(pace.at_once);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < pace.at_once; ++i) {
    threads.emplace_back([&, i] {
      for (;;) {
        const std::uint64_t number = next++;
        const auto due =
            pace.rate > 0 ? begin + after(static_cast<double>(number) / pace.rate) : Clock::now();
        if (number >= pace.most || due >= end) return;
        std::this_thread::sleep_until(due);
        unit();
        outcomes[i].latencies.add(Clock::now() - due);
        ++outcomes[i].units;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Outcome all;
  for (const Outcome& outcome : outcomes) {
    all.units += outcome.units;
    all.latencies.add(outcome.latencies);
  }
  all.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return all;
}

} // namespace bench
