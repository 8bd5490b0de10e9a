#include "rproxyd/proxy/status_counts.h"

#include <algorithm>
#include <numeric>

namespace rproxyd {

void StatusCounts::note(std::uint16_t status) {
  const auto known = std::ranges::lower_bound(kCodes, status);
  if (known != kCodes.end() && *known == status) {
    ++counts_[static_cast<std::size_t>(known - kCodes.begin())];
    return;
  }
  const std::size_t hundreds = status / 100;
  const std::size_t place = hundreds >= 1 && hundreds <= 5 ? hundreds - 1 : kClasses.size() - 1;
  ++counts_[kCodes.size() + place];
}

StatusCounts& StatusCounts::operator+=(const StatusCounts& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

std::uint64_t StatusCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::uint64_t StatusCounts::of_class(unsigned hundreds) const {
  if (hundreds < 1 || hundreds > 5) return 0;
  std::uint64_t count = counts_[kCodes.size() + hundreds - 1];
  for (std::size_t i = 0; i < kCodes.size(); ++i) {
    if (kCodes[i] / 100 == hundreds) count += counts_[i];
  }
  return count;
}

} // namespace rproxyd
