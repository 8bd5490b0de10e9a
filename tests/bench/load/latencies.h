// How long units of work took: the parts of them that people ask for.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

class Latencies {
 public:
  static constexpr std::size_t kKept = 4 << 20; // later ones are not looked at

  void add(std::chrono::nanoseconds taken) {
    if (taken_.size() < kKept) taken_.push_back(static_cast<float>(taken.count()));
  }
  void add(const Latencies& others) {
    taken_.insert(taken_.end(), others.taken_.begin(), others.taken_.end());
  }
  bool empty() const { return taken_.empty(); }

  // In µs; 0 where there are none.
  double at(double part) {
    if (taken_.empty()) return 0;
    const auto found =
        taken_.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(taken_.size() - 1));
    std::nth_element(taken_.begin(), found, taken_.end());
    return *found / 1000.0;
  }

  std::string json() {
    if (empty()) return "{}";
    char text[128];
    std::snprintf(text, sizeof text, R"({"p50 µs": %.1f, "p99 µs": %.1f, "p99.9 µs": %.1f})",
                  at(0.5), at(0.99), at(0.999));
    return text;
  }

 private:
  std::vector<float> taken_;
};

} // namespace bench
