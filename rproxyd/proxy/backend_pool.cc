#include "rproxyd/proxy/backend_pool.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

// Weighted rendezvous hashing: each backend draws a number for the client, in proportion to its
// weight, and the highest has it. A backend that goes moves its own clients only.
double draw(const core::IpAddress& client, BackendKey key, double weight) {
  std::uint64_t h = std::hash<core::IpAddress>{}(client) ^
                    ((static_cast<std::uint64_t>(key) + 1) * 0x9e3779b97f4a7c15U);
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
  h ^= h >> 31;
  const double unit = (static_cast<double>(h >> 11) + 0.5) / 9007199254740992.0; // (0, 1)
  return -weight / std::log(unit);
}

// Weights in finer steps, so that a slow start has some.
constexpr std::int64_t kWeightSteps = 100;

} // namespace

void BackendPool::set_rules(const Rules& rules) {
  rules_ = rules;
  retries_.set_percent(rules.retry_percent);
  if (rules.checks) return;
  for (Backend& backend : backends_) backend.health = {};
}

BackendId BackendPool::add(const Member& member, core::TimePoint) {
  const auto free = std::ranges::find_if(
      backends_, [](const Backend& b) { return b.removed && b.exchanges == 0; });
  const auto id = static_cast<BackendId>(free - backends_.begin());
  if (free == backends_.end()) {
    backends_.emplace_back();
  } else {
    *free = Backend{};
    // Clients of the one that was here before are nobody's now.
    std::erase_if(clients_, [&](const Client& client) {
      if (client.backend != id) return false;
      by_address_.erase(client.address);
      return true;
    });
  }
  at(id).member = member;
  return id;
}

void BackendPool::change(BackendId backend, const Member& member) { at(backend).member = member; }

void BackendPool::remove(BackendId backend) { at(backend).removed = true; }

bool BackendPool::is_member(BackendId backend) const {
  return static_cast<std::size_t>(backend) < backends_.size() && !at(backend).removed;
}

std::optional<BackendId> BackendPool::choose(const core::IpAddress& client,
                                             std::span<const BackendId> tried,
                                             std::optional<BackendKey> wanted,
                                             core::TimePoint now) {
  const core::IpAddress key = client_key(client);
  if (rules_.affinity == Affinity::cookie && wanted) {
    const auto home = by_key(*wanted);
    if (home && serves_its_clients(*home, tried, now)) return home;
  }
  if (rules_.affinity == Affinity::client_address) {
    if (const auto home = home_of(key, tried, now)) return home;
  }

  const Candidates all = candidates(tried, now);
  if (all.empty()) return std::nullopt;
  const BackendId chosen = by_policy(key, all, now);
  if (rules_.affinity == Affinity::client_address) {
    // Its node did answer, if with a status that is worth another try: this request may go
    // elsewhere, but the client's token is valid at home alone.
    const auto known = by_address_.find(key);
    const bool stays = known != by_address_.end() && known->second->settled &&
                       now - known->second->seen < kClientMemory &&
                       serves_its_clients(known->second->backend, {}, now);
    if (!stays) remember(key, chosen, now);
  }
  return chosen;
}

// The backends that a new client may have: the best there are. Rather one that is in maintenance or
// resting than no answer at all.
BackendPool::Candidates BackendPool::candidates(std::span<const BackendId> tried,
                                                core::TimePoint now) const {
  Candidates good;
  Candidates in_maintenance;
  std::optional<BackendId> first_back; // of those that rest or are down
  const auto returns = [&](BackendId id) {
    const Backend& b = at(id);
    return std::pair(b.health.state() == BackendHealth::State::down, b.back_off_until);
  };
  unsigned priority = std::numeric_limits<unsigned>::max();
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    const auto id = static_cast<BackendId>(i);
    const Backend& b = backends_[i];
    if (b.removed || contains(tried, id)) continue;
    if (b.back_off_until > now || b.health.state() == BackendHealth::State::down) {
      if (!first_back || returns(id) < returns(*first_back)) first_back = id;
    } else if (b.health.state() == BackendHealth::State::maintenance) {
      in_maintenance.push_back(id);
    } else {
      if (b.member.priority < priority) good.clear();
      if (b.member.priority > priority) continue;
      priority = b.member.priority;
      good.push_back(id);
    }
  }
  if (!good.empty()) return good;
  if (!in_maintenance.empty()) return in_maintenance;
  return first_back ? Candidates{*first_back} : Candidates{};
}

bool BackendPool::serves_its_clients(BackendId id, std::span<const BackendId> tried,
                                     core::TimePoint now) const {
  const Backend& b = at(id);
  return !b.removed && b.back_off_until <= now && b.health.state() != BackendHealth::State::down &&
         !contains(tried, id);
}

std::optional<BackendId> BackendPool::home_of(const core::IpAddress& client,
                                              std::span<const BackendId> tried,
                                              core::TimePoint now) {
  const auto known = by_address_.find(client);
  if (known == by_address_.end() || now - known->second->seen >= kClientMemory) {
    return std::nullopt;
  }
  const BackendId home = known->second->backend;
  if (!serves_its_clients(home, tried, now)) return std::nullopt;
  remember(client, home, now);
  known->second->settled = true;
  return home;
}

std::optional<BackendId> BackendPool::by_key(BackendKey key) const {
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    if (!backends_[i].removed && backends_[i].member.key == key) return static_cast<BackendId>(i);
  }
  return std::nullopt;
}

BackendId BackendPool::by_policy(const core::IpAddress& client, const Candidates& candidates,
                                 core::TimePoint now) {
  switch (rules_.policy) {
    case Policy::round_robin:
      return next_in_turn(candidates, now);
    case Policy::least_connections: {
      // The lowest share of its weight; whose turn it is among equals.
      const auto load = [&](BackendId id) {
        return static_cast<double>(at(id).exchanges) / static_cast<double>(weight(id, now));
      };
      double least = std::numeric_limits<double>::max();
      for (const BackendId id : candidates) least = std::min(least, load(id));
      Candidates equals;
      for (const BackendId id : candidates) {
        if (load(id) <= least) equals.push_back(id);
      }
      return next_in_turn(equals, now);
    }
    case Policy::client_hash:
      return *std::ranges::max_element(candidates, {}, [&](BackendId id) {
        return draw(client, at(id).member.key, static_cast<double>(weight(id, now)));
      });
  }
  return candidates.front();
}

// Smooth weighted round robin: everybody gains their weight, whoever has the most serves and pays
// what all have gained. Turns mix, even with very different weights.
BackendId BackendPool::next_in_turn(const Candidates& candidates, core::TimePoint now) {
  std::int64_t gained = 0;
  BackendId best = candidates.front();
  for (const BackendId id : candidates) {
    const std::int64_t w = weight(id, now);
    at(id).turn += w;
    gained += w;
    if (at(id).turn > at(best).turn) best = id;
  }
  at(best).turn -= gained;
  return best;
}

std::int64_t BackendPool::weight(BackendId id, core::TimePoint now) const {
  const Backend& b = at(id);
  const std::int64_t full = static_cast<std::int64_t>(b.member.weight) * kWeightSteps;
  if (b.back_since == core::TimePoint{} || rules_.slow_start <= core::Duration(0)) return full;
  const core::Duration back = now - b.back_since;
  if (back >= rules_.slow_start) return full;
  const double part = static_cast<double>(std::max<std::int64_t>(back.count(), 0)) /
                      static_cast<double>(rules_.slow_start.count());
  return std::max<std::int64_t>(static_cast<std::int64_t>(static_cast<double>(full) * part), 1);
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
  b.broken = 0;
  b.back_off_until = now + wait;
}

void BackendPool::reachable(BackendId backend, core::TimePoint now) {
  Backend& b = at(backend);
  if (b.failures > 0) b.back_since = now;
  b.failures = 0;
  b.back_off_until = {};
}

bool BackendPool::checked(BackendId backend, CheckResult result, core::TimePoint now) {
  if (!rules_.checks) return false; // one that was on its way
  Backend& b = at(backend);
  const bool was_down = b.health.state() == BackendHealth::State::down;
  if (!b.health.note(result, rules_.health)) return false;
  if (was_down) b.back_since = now;
  return true;
}

bool BackendPool::exchange_ended(BackendId backend, Outcome outcome, core::TimePoint now) {
  Backend& b = at(backend);
  --b.exchanges;
  if (outcome == Outcome::answered) b.broken = 0;
  if (outcome != Outcome::broken || ++b.broken < kBrokenInARow || b.removed) return false;
  const bool news = b.back_off_until <= now;
  unreachable(backend, now);
  return news;
}

BackendPool::Status BackendPool::status(BackendId backend, core::TimePoint now) const {
  const Backend& b = at(backend);
  return {
      .exchanges = b.exchanges, .in_back_off = b.back_off_until > now, .health = b.health.state()};
}

// ---- from one process to the next

PoolState BackendPool::state() const {
  PoolState state;
  for (const Backend& b : backends_) {
    if (b.removed) continue;
    state.nodes.push_back({.key = b.member.key,
                           .broken = b.broken,
                           .failures = b.failures,
                           .back_off_until = b.back_off_until,
                           .back_since = b.back_since,
                           .health = b.health});
  }
  for (const Client& client : clients_) {
    const Backend& b = at(client.backend);
    if (b.removed) continue;
    state.clients.push_back({.address = client.address,
                             .backend = b.member.key,
                             .seen = client.seen,
                             .settled = client.settled});
  }
  return state;
}

void BackendPool::adopt(const PoolState& state) {
  for (const PoolState::Node& node : state.nodes) {
    const auto id = by_key(node.key);
    if (!id) continue;
    Backend& b = at(*id);
    b.broken = node.broken;
    b.failures = node.failures;
    b.back_off_until = node.back_off_until;
    b.back_since = node.back_since;
    b.health = node.health;
  }
  for (const PoolState::Client& client : state.clients) {
    const auto id = by_key(client.backend);
    if (!id || clients_.size() >= kMaxClients || by_address_.contains(client.address)) continue;
    clients_.push_back({.address = client.address,
                        .backend = *id,
                        .seen = client.seen,
                        .settled = client.settled});
    by_address_.emplace(client.address, std::prev(clients_.end()));
  }
}

void BackendPool::settle(const core::IpAddress& client, BackendKey backend, core::TimePoint now) {
  const auto id = by_key(backend);
  if (id && rules_.affinity == Affinity::client_address) remember(client_key(client), *id, now);
}

} // namespace rproxyd
