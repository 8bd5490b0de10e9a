// What the page's charts show when it is opened: the numbers of "totals" and "gauges" of the last ten
// minutes. Pure: whoever has a clock adds a point every kInterval.
//
//   {"seconds_per_point": 5, "at": [1792000000, …],
//    "totals": {"requests": [17, 20, …]}, "gauges": {"connections": [3, null, …]}}
//
// null: there was no such number at that time.
#pragma once

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "libcore/base/time.h"

namespace admin {

class History {
 public:
  static constexpr std::size_t kPoints = 120;
  static constexpr std::chrono::seconds kInterval{5};
  static constexpr std::size_t kMaxSeries = 128; // of each kind; further ones are not kept

  void add(core::WallTime at, const nlohmann::json& status);
  nlohmann::json show(std::size_t most_points = kPoints) const;

 private:
  // At the same places as `at_`; NaN: no number.
  using Series = std::map<std::string, std::array<double, kPoints>, std::less<>>;
  void add_to(Series& series, const nlohmann::json& numbers) const;
  nlohmann::json shown(const Series& series, std::size_t points) const;
  std::size_t place(std::size_t point) const { return (next_ + kPoints - point) % kPoints; }

  std::array<core::WallTime, kPoints> at_{};
  std::size_t next_ = 0; // where the next point goes
  std::size_t count_ = 0;
  Series totals_;
  Series gauges_;
};

} // namespace admin
