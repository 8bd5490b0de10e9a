#include "turnd/relay/limits_hit.h"

#include <algorithm>

namespace turnd {

void LimitsHit::note(Limit limit, std::string_view subject) {
  ++totals_[static_cast<std::size_t>(limit)];
  const auto entry = [&](std::string_view wanted) {
    return std::ranges::find_if(
        hits_, [&](const LimitHit& hit) { return hit.limit == limit && hit.subject == wanted; });
  };
  auto found = entry(subject);
  if (found == hits_.end() && hits_.size() >= kMaxSubjects) {
    subject = {};
    found = entry(subject);
  }
  if (found != hits_.end()) {
    ++found->count;
  } else {
    hits_.push_back({.limit = limit, .subject = std::string(subject), .count = 1});
  }
}

void LimitsHit::note_source(Limit limit, const core::IpAddress& source) {
  const auto found = std::ranges::find(hits_, limit, &LimitHit::limit);
  if (found == hits_.end()) return note(limit, source.to_string());
  ++totals_[static_cast<std::size_t>(limit)];
  ++found->count;
}

} // namespace turnd
