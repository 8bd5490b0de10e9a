#include "turnd/relay/sibling_loads.h"

#include <algorithm>
#include <utility>

namespace turnd {

std::uint64_t SiblingLoadTable::Sibling::expected() const {
  return std::max(allocations, before) + sent + sent_before;
}

void SiblingLoadTable::set(std::span<const ServerLoad> loads, std::uint64_t own,
                           core::TimePoint as_of) {
  const bool first = siblings_.empty();
  std::vector<Sibling> next;
  next.reserve(loads.size());
  for (const ServerLoad& load : loads) {
    Sibling sibling{.server = load.server, .allocations = load.allocations};
    const auto known = std::ranges::find(siblings_, load.server, &Sibling::server);
    if (known != siblings_.end()) {
      sibling.before = known->allocations;
      sibling.sent_before = known->sent;
    }
    next.push_back(sibling);
  }
  siblings_ = std::move(next);
  own_before_ = first ? own : own_;
  own_ = own;
  as_of_ = as_of;
}

void SiblingLoadTable::forget() { siblings_.clear(); }

std::optional<core::SocketAddress> SiblingLoadTable::less_busy(std::uint64_t own,
                                                               core::Family family,
                                                               core::TimePoint now) {
  if (now - as_of_ > kMaxAge) return std::nullopt;
  Sibling* least = nullptr;
  for (Sibling& each : siblings_) {
    if (each.server.family() != family) continue;
    if (least == nullptr || each.expected() < least->expected()) least = &each;
  }
  if (least == nullptr) return std::nullopt;
  if (std::min({own, own_, own_before_}) <= least->expected() * 5 / 4 + kMargin) {
    return std::nullopt;
  }
  ++least->sent;
  return least->server;
}

} // namespace turnd
