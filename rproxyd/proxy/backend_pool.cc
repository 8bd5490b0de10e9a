#include "rproxyd/proxy/backend_pool.h"

#include <algorithm>

namespace rproxyd {
namespace {

// One household or phone changes its IPv6 address within a /64 (RFC 8981).
core::IpAddress client_key(core::IpAddress address) {
  address = address.canonical();
  if (address.family == core::Family::ipv6)
    std::fill(address.octets.begin() + 8, address.octets.end(), std::uint8_t{0});
  return address;
}

bool contains(std::span<const BackendId> ids, BackendId id) {
  return std::ranges::find(ids, id) != ids.end();
}

std::uint64_t weight(const core::IpAddress& client, BackendId backend) {
  std::uint64_t h = std::hash<core::IpAddress>{}(client) ^
                    ((static_cast<std::uint64_t>(backend) + 1) * 0x9e3779b97f4a7c15U);
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
  return h ^ (h >> 31);
}

} // namespace

BackendPool::BackendPool(std::size_t backends, Policy policy, Affinity affinity)
    : policy_(policy), affinity_(affinity), backends_(backends) {}

std::optional<BackendId> BackendPool::choose(const core::IpAddress& client,
                                             std::span<const BackendId> tried,
                                             core::TimePoint now) {
  std::vector<BackendId> candidates;
  std::vector<BackendId> resting;
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    const auto id = static_cast<BackendId>(i);
    if (contains(tried, id)) continue;
    (backends_[i].back_off_until > now ? resting : candidates).push_back(id);
  }
  if (candidates.empty()) {
    // All are resting: rather the one whose rest ends first than no answer.
    const auto first =
        std::ranges::min_element(resting, {}, [&](BackendId id) { return at(id).back_off_until; });
    if (first == resting.end()) return std::nullopt;
    candidates.push_back(*first);
  }

  const core::IpAddress key = client_key(client);
  if (affinity_ == Affinity::none) return by_policy(key, candidates);
  const auto known = by_address_.find(key);
  if (known != by_address_.end() && now - known->second->seen < kClientMemory) {
    const BackendId home = known->second->backend;
    if (contains(candidates, home)) {
      remember(key, home, now);
      known->second->settled = true;
      return home;
    }
    // Its node did answer, if with a status that is worth another try: this request may go
    // elsewhere, but the client's token is valid at home alone.
    if (known->second->settled && at(home).back_off_until <= now) return by_policy(key, candidates);
  }
  const auto chosen = by_policy(key, candidates);
  remember(key, *chosen, now);
  return chosen;
}

std::optional<BackendId> BackendPool::by_policy(const core::IpAddress& client,
                                                std::span<const BackendId> candidates) {
  switch (policy_) {
    case Policy::round_robin:
      // The first candidate at or after the pool's place in the circle.
      for (std::size_t i = 0; i < backends_.size(); ++i) {
        const auto id = static_cast<BackendId>((next_ + i) % backends_.size());
        if (!contains(candidates, id)) continue;
        next_ = (static_cast<std::size_t>(id) + 1) % backends_.size();
        return id;
      }
      return candidates.front();
    case Policy::least_connections: {
      const auto fewest =
          std::ranges::min_element(candidates, {}, [&](BackendId id) { return at(id).exchanges; });
      return *fewest;
    }
    case Policy::client_hash: // rendezvous hashing: a backend that goes moves its own clients only
      return *std::ranges::max_element(candidates, {},
                                       [&](BackendId id) { return weight(client, id); });
  }
  return std::nullopt;
}

void BackendPool::remember(const core::IpAddress& client, BackendId backend, core::TimePoint now) {
  if (const auto known = by_address_.find(client); known != by_address_.end()) {
    clients_.splice(clients_.begin(), clients_, known->second);
    Client& first = clients_.front();
    first.settled = first.settled && first.backend == backend;
    first.backend = backend;
    first.seen = now;
    return;
  }
  if (clients_.size() >= kMaxClients) {
    by_address_.erase(clients_.back().address);
    clients_.pop_back();
  }
  clients_.push_front({.address = client, .backend = backend, .seen = now});
  by_address_.emplace(client, clients_.begin());
}

void BackendPool::unreachable(BackendId backend, core::TimePoint now) {
  Backend& b = at(backend);
  if (b.back_off_until > now) return; // failures of one moment count once
  const auto wait =
      std::min(kFirstBackOff * (std::int64_t{1} << std::min(b.failures, 5U)), kLongestBackOff);
  ++b.failures;
  b.back_off_until = now + wait;
}

void BackendPool::reachable(BackendId backend) {
  at(backend).failures = 0;
  at(backend).back_off_until = {};
}

BackendPool::Status BackendPool::status(BackendId backend, core::TimePoint now) const {
  const Backend& b = backends_[static_cast<std::size_t>(backend)];
  return {.exchanges = b.exchanges, .in_back_off = b.back_off_until > now};
}

} // namespace rproxyd
