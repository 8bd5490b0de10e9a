// Time as the cores see it: always an argument, never read. A shell reads both clocks once per
// wake-up (event::now()) and passes the pair down.
#pragma once

#include <chrono>

namespace core {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::sys_seconds;

struct Now {
  TimePoint steady; // deadlines, ages
  WallTime wall;    // what other machines or people see: nonces, expiries, logs
};

constexpr double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

} // namespace core
