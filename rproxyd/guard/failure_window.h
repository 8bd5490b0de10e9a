// When failures happened, within a window of time that slides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "libcore/base/time.h"

namespace rproxyd {

class FailureWindow {
 public:
  // Moments that are told apart. Beyond so many the two oldest become one, at the later of the two:
  // they are forgotten later than they should be, never earlier.
  static constexpr std::size_t kMaxMoments = 64;

  struct Moment {
    core::TimePoint when{};
    std::size_t failures = 0;
  };

  FailureWindow() = default;
  // `moments`: the oldest first, as moments() gives them.
  explicit FailureWindow(const std::vector<Moment>& moments);

  void add(core::TimePoint now);
  // Forgets what happened at or before now - length.
  void slide(core::TimePoint now, core::Duration length);
  void clear();

  std::size_t count() const { return count_; }
  const std::vector<Moment>& moments() const { return moments_; }
  std::optional<core::TimePoint> latest() const;
  // When fewer than `limit` will be left of those that are here now.
  core::TimePoint below(std::size_t limit, core::Duration length) const;

 private:
  std::vector<Moment> moments_; // the oldest first
  std::size_t count_ = 0;
};

} // namespace rproxyd
