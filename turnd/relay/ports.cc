#include "turnd/relay/ports.h"

#include <algorithm>

namespace turnd {

PortPool::PortPool(PortRange range, unsigned worker, unsigned workers)
    : worker_(worker), workers_(workers), states_(65536, State::not_ours) {
  set_range(range);
}

void PortPool::set_range(PortRange range) {
  range_ = range;
  std::erase_if(ready_, [&](std::uint16_t port) {
    if (range.contains(port)) return false;
    states_[port] = State::not_ours;
    return true;
  });
  for (unsigned port = range.first; port <= range.last; ++port) {
    if (states_[port] != State::not_ours) continue;
    if (home_of(static_cast<std::uint16_t>(port), workers_) != worker_) continue;
    ready_.push_back(static_cast<std::uint16_t>(port));
    states_[port] = State::ready;
  }
}

std::optional<std::uint16_t> PortPool::take(Random& random, core::TimePoint now) {
  wake(now);
  if (ready_.empty()) return std::nullopt;
  return take_at(random.below(static_cast<std::uint32_t>(ready_.size())));
}

std::optional<std::uint16_t> PortPool::take_even(Random& random, core::TimePoint now) {
  wake(now);
  const auto index = find(random, [](std::uint16_t port) { return port % 2 == 0; });
  if (!index) return std::nullopt;
  return take_at(*index);
}

std::optional<std::uint16_t> PortPool::take_pair(Random& random, core::TimePoint now) {
  wake(now);
  const auto index = find(random, [this](std::uint16_t port) {
    return port % 2 == 0 && states_[port + std::size_t{1}] == State::ready;
  });
  if (!index) return std::nullopt;
  const std::uint16_t even = take_at(*index);
  const auto odd = std::ranges::find(ready_, static_cast<std::uint16_t>(even + 1));
  take_at(static_cast<std::size_t>(odd - ready_.begin()));
  return even;
}

void PortPool::give_back(std::uint16_t port, core::TimePoint now) {
  if (states_[port] != State::taken) return; // its range has come and gone meanwhile
  states_[port] = State::resting;
  resting_.push_back({port, now});
}

void PortPool::wake(core::TimePoint now) {
  while (!resting_.empty()) {
    const core::Duration rest = ready_.empty() ? kShortestRest : kRest;
    const Resting first = resting_.front();
    if (now - first.since < rest) return;
    resting_.pop_front();
    const bool ours = range_.contains(first.port);
    states_[first.port] = ours ? State::ready : State::not_ours;
    if (ours) ready_.push_back(first.port);
  }
}

std::uint16_t PortPool::take_at(std::size_t index) {
  const std::uint16_t port = ready_[index];
  ready_[index] = ready_.back();
  ready_.pop_back();
  states_[port] = State::taken;
  return port;
}

// A random start, then the first that is wanted: every one can be found, most at once.
template <typename Wanted>
std::optional<std::size_t> PortPool::find(Random& random, Wanted wanted) const {
  if (ready_.empty()) return std::nullopt;
  const std::size_t start = random.below(static_cast<std::uint32_t>(ready_.size()));
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    const std::size_t index = (start + i) % ready_.size();
    if (wanted(ready_[index])) return index;
  }
  return std::nullopt;
}

} // namespace turnd
