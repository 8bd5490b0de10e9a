#include "rproxyd/guard/guard_state.h"

#include "rproxyd/guard/pin_guard.h"

namespace rproxyd {

GuardState PinGuard::state(const core::Now& now) {
  expire(now);
  GuardState state;
  clients_.for_each([&](const ClientNetwork& network, const Tally& tally) {
    if (tally.failures.count() != 0) state.clients.push_back({network, tally.failures.moments()});
  });
  wide_.for_each([&](const ClientNetwork& network, const WideTally& tally) {
    if (tally.failures.count() != 0)
      state.wide.push_back({network, tally.failures.moments(), tally.parts});
  });
  rooms_.for_each([&](const std::string& room, const RoomTally& tally) {
    if (tally.failures.count() != 0)
      state.rooms.push_back({room, tally.failures.moments(), tally.paced, tally.slow});
  });
  pairs_.for_each([&](const Pair& pair, const Tally& tally) {
    if (tally.failures.count() != 0)
      state.pairs.push_back({pair.first, pair.second, tally.failures.moments()});
  });
  for (const auto& [pair, when] : entrants_)
    state.entrants.push_back({pair.first, pair.second, when});
  state.bans = bans_.all();
  return state;
}

// What was counted here before counts no more: it was none of the clients' of now.
void PinGuard::adopt(const GuardState& state, const core::Now& now) {
  for (const auto& each : state.clients) {
    if (Tally* tally = clients_.adopt(each.network)) tally->failures = FailureWindow(each.failures);
  }
  for (const auto& each : state.wide) {
    WideTally* tally = wide_.adopt(each.network);
    if (tally == nullptr) continue;
    tally->failures = FailureWindow(each.failures);
    tally->parts = each.parts;
    const auto most = wide_factor(each.network.prefix);
    if (tally->parts.size() > most) tally->parts.resize(most);
  }
  for (const auto& each : state.rooms) {
    RoomTally* tally = rooms_.adopt(each.room);
    if (tally == nullptr) continue;
    tally->failures = FailureWindow(each.failures);
    tally->paced = each.paced;
    tally->slow = each.slow;
  }
  for (const auto& each : state.pairs) {
    if (Tally* tally = pairs_.adopt({each.network, each.room}))
      tally->failures = FailureWindow(each.failures);
  }
  for (const auto& each : state.entrants) {
    if (entrants_.size() >= kMaxEntrants) break;
    const Pair pair{each.network, each.door};
    if (by_pair_.contains(pair)) continue;
    entrants_.emplace_back(pair, each.when);
    by_pair_.emplace(pair, std::prev(entrants_.end()));
  }
  static_cast<void>(bans_.clear());
  restore(state.bans, now);
  ++ban_changes_; // what is kept of bans is not from here
}

void PinGuard::count(const PinAttempt& attempt, Outcome outcome, const core::Now& now) {
  settle(reserve(attempt, now), outcome, now);
}

} // namespace rproxyd
