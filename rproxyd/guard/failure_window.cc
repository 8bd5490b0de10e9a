#include "rproxyd/guard/failure_window.h"

#include <algorithm>

namespace rproxyd {

FailureWindow::FailureWindow(const std::vector<Moment>& moments) {
  const std::size_t left_out = moments.size() > kMaxMoments ? moments.size() - kMaxMoments : 0;
  moments_.assign(moments.begin() + static_cast<std::ptrdiff_t>(left_out), moments.end());
  for (const Moment& moment : moments_) count_ += moment.failures;
}

void FailureWindow::add(core::TimePoint now) {
  ++count_;
  if (!moments_.empty() && moments_.back().when >= now) {
    ++moments_.back().failures;
    return;
  }
  if (moments_.size() >= kMaxMoments) {
    moments_[1].failures += moments_[0].failures;
    moments_.erase(moments_.begin());
  }
  moments_.push_back({.when = now, .failures = 1});
}

void FailureWindow::slide(core::TimePoint now, core::Duration length) {
  const auto first_kept =
      std::ranges::find_if(moments_, [&](const Moment& m) { return m.when + length > now; });
  for (auto m = moments_.begin(); m != first_kept; ++m) count_ -= m->failures;
  moments_.erase(moments_.begin(), first_kept);
}

void FailureWindow::clear() {
  moments_.clear();
  count_ = 0;
}

std::optional<core::TimePoint> FailureWindow::latest() const {
  if (moments_.empty()) return std::nullopt;
  return moments_.back().when;
}

core::TimePoint FailureWindow::below(std::size_t limit, core::Duration length) const {
  std::size_t left = count_;
  for (const Moment& moment : moments_) {
    if (left < limit) break;
    left -= moment.failures;
    if (left < limit) return moment.when + length;
  }
  return {};
}

} // namespace rproxyd
