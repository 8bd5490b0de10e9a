#include "libcore/program/span.h"

#include <fmt/format.h>

#include <algorithm>

namespace program {

std::string span(std::chrono::seconds length) {
  const auto all = std::max<std::chrono::seconds::rep>(length.count(), 0);
  const auto days = all / 86'400;
  const auto hours = all / 3'600 % 24;
  const auto minutes = all / 60 % 60;
  const auto seconds = all % 60;
  if (days > 0) return fmt::format("{} d {} h", days, hours);
  if (hours > 0) return fmt::format("{} h {} m", hours, minutes);
  if (minutes > 0) return fmt::format("{} m {} s", minutes, seconds);
  return fmt::format("{} s", seconds);
}

} // namespace program
