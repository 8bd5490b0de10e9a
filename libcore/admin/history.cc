#include "libcore/admin/history.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace admin {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kExact = 9007199254740992.0; // 2^53: whole numbers below it stay whole

nlohmann::json number(double value) {
  if (std::isnan(value)) return nullptr;
  if (value == std::floor(value) && std::fabs(value) < kExact) return std::int64_t(value);
  return value;
}

} // namespace

void History::add(core::WallTime at, const nlohmann::json& status) {
  at_[next_] = at;
  for (auto* each : {&totals_, &gauges_})
    for (auto& [name, values] : *each) values[next_] = kNone;
  if (const auto totals = status.find("totals"); totals != status.end()) add_to(totals_, *totals);
  if (const auto gauges = status.find("gauges"); gauges != status.end()) add_to(gauges_, *gauges);
  next_ = (next_ + 1) % kPoints;
  count_ = std::min(count_ + 1, kPoints);
}

void History::add_to(Series& series, const nlohmann::json& numbers) const {
  if (!numbers.is_object()) return;
  for (const auto& [name, value] : numbers.items()) {
    if (!value.is_number()) continue;
    auto found = series.find(name);
    if (found == series.end()) {
      if (series.size() == kMaxSeries) continue;
      found = series.emplace(name, std::array<double, kPoints>{}).first;
      found->second.fill(kNone);
    }
    found->second[next_] = value.get<double>();
  }
}

nlohmann::json History::show(std::size_t most_points) const {
  const std::size_t points = std::min(most_points, count_);
  auto at = nlohmann::json::array();
  for (std::size_t left = points; left > 0; --left)
    at.push_back(at_[place(left)].time_since_epoch().count());
  return {{"seconds_per_point", kInterval.count()},
          {"at", std::move(at)},
          {"totals", shown(totals_, points)},
          {"gauges", shown(gauges_, points)}};
}

nlohmann::json History::shown(const Series& series, std::size_t points) const {
  auto object = nlohmann::json::object();
  for (const auto& [name, values] : series) {
    auto& list = object[name] = nlohmann::json::array();
    for (std::size_t left = points; left > 0; --left) list.push_back(number(values[place(left)]));
  }
  return object;
}

} // namespace admin
