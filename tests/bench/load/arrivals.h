// What came out on the other side of a relay: counted while it is measured, with how long it was under way.
#pragma once

#include <cstdint>
#include <cstring>

#include "tests/bench/load/latencies.h"

namespace bench {

// Each payload begins with the time at which it was sent.
inline std::int64_t nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

class Arrivals {
 public:
  // Until end(); latencies are those of the first stretch that has any.
  void begin() {
    measuring_ = true;
    measured_ = 0;
  }
  void end() {
    measuring_ = false;
    timed_ = !latencies_.empty();
  }
  // So many of one sender, which came together.
  void count(const std::uint8_t* payload, std::int64_t now, std::uint64_t packets = 1) {
    total_ += packets;
    if (!measuring_) return;
    measured_ += packets;
    if (timed_) return;
    std::int64_t sent = 0;
    std::memcpy(&sent, payload, sizeof sent);
    latencies_.add(std::chrono::nanoseconds(now - sent));
  }
  std::uint64_t total() const { return total_; }
  std::uint64_t measured() const { return measured_; }
  Latencies& latencies() { return latencies_; }

 private:
  bool measuring_ = false, timed_ = false;
  std::uint64_t total_ = 0, measured_ = 0;
  Latencies latencies_;
};

} // namespace bench
