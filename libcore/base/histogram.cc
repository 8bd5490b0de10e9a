#include "libcore/base/histogram.h"

#include <algorithm>

namespace core {

void Histogram::note(Duration took) {
  took = std::max(took, Duration(0));
  const auto bound = std::ranges::lower_bound(kBounds, took);
  ++counts_[static_cast<std::size_t>(bound - kBounds.begin())];
  ++count_;
  sum_ += took;
}

Histogram& Histogram::operator+=(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  return *this;
}

Histogram Histogram::since(const Histogram& earlier) const {
  Histogram later = *this;
  for (std::size_t i = 0; i < counts_.size(); ++i) later.counts_[i] -= earlier.counts_[i];
  later.count_ -= earlier.count_;
  later.sum_ -= earlier.sum_;
  return later;
}

Duration Histogram::quantile(double part) const {
  if (count_ == 0) return Duration(0);
  const double rank = std::clamp(part, 0.0, 1.0) * static_cast<double>(count_);
  double below = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    const auto here = static_cast<double>(counts_[i]);
    if (here > 0 && below + here >= rank) {
      const Duration low = i == 0 ? Duration(0) : kBounds[i - 1];
      const auto width = static_cast<double>((kBounds[i] - low).count());
      return low + Duration(static_cast<Duration::rep>(width * (rank - below) / here));
    }
    below += here;
  }
  return kBounds.back();
}

} // namespace core
