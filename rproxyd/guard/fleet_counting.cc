// What PinGuard has for counting together with siblings.
#include <algorithm>
#include <utility>

#include "rproxyd/guard/pin_guard.h"

namespace rproxyd {

bool PinGuard::fails(const PinAttempt& attempt, Outcome outcome) const {
  if (outcome == Outcome::wrong_pin) return true;
  return outcome == Outcome::denied && counts(attempt) &&
         rules_.count == GuardRules::Count::denied_tokens;
}

// The limit as it is for us alone: of what is left, by what is known, each has its part; and none goes
// beyond its part of the whole, since siblings may not have heard yet what it has let through.
std::size_t PinGuard::share_of(const Tally& tally, std::size_t limit) const {
  if (!alone_ || alone_->siblings <= 1) return limit;
  const auto part_of = [this](std::size_t whole) {
    return whole / alone_->siblings + (alone_->rank < whole % alone_->siblings ? 1 : 0);
  };
  const std::size_t count = tally.failures.count();
  const std::size_t known = count - std::min(tally.alone.count(), count);
  const std::size_t here = tally.here.count();
  const std::size_t least = known == 0 ? 1 : 0;
  const std::size_t of_rest = std::max(part_of(limit > known ? limit - known : 0), least);
  const std::size_t of_whole = std::max(part_of(limit), least);
  return std::min(known + of_rest, count + (of_whole > here ? of_whole - here : 0));
}

void PinGuard::learn(const PinAttempt& attempt, unsigned tallies, bool here, core::TimePoint when) {
  const core::Now then{.steady = when, .wall = {}};
  const ClientNetwork own = network_of(attempt.client);
  const Ticket ticket = reserve(attempt, then);
  const auto end = [&](auto& table, const auto& key, Ticket::Hold hold, core::Duration window,
                       bool counted) -> auto& {
    auto& tally = table.end(key, hold.shared, when, window);
    if (counted) tally.fail(when, here, false);
    return tally;
  };
  const auto end_wide = [&](Ticket::Hold hold, std::uint8_t prefix, unsigned which) {
    if (!hold.held) return;
    const ClientNetwork wide = widened(own, prefix);
    const bool counted = (tallies & which) != 0;
    WideTally& tally = end(wide_, wide, hold, rules_.find_time, counted);
    if (counted) note_part(tally, own, prefix, when);
    wide_.drop_if_empty(wide);
  };
  const auto end_room = [&](const std::string& room, Ticket::Hold hold) {
    if (!hold.held) return;
    RoomTally& tally = end(rooms_, room, hold, rules_.room.find_time, (tallies & kRoomTally) != 0);
    tally.slow = tally.failures.count() >= rules_.room.slow_after;
    rooms_.drop_if_empty(room);
  };
  const bool of_client = (tallies & kClientTally) != 0;
  end_wide(ticket.site, kSitePrefix, kSiteTally);
  end_wide(ticket.organisation, kOrganisationPrefix, kOrganisationTally);
  if (ticket.pair.held) {
    const Pair pair{own, attempt.room};
    end(pairs_, pair, ticket.pair, rules_.find_time, of_client);
    pairs_.drop_if_empty(pair);
  }
  if (ticket.client.held) {
    end(clients_, own, ticket.client, rules_.find_time, of_client);
    clients_.drop_if_empty(own);
  }
  end_room(attempt.room, ticket.room);
  end_room(attempt.extension, ticket.extension);
}

void PinGuard::ban_who_has_failed(const core::Now& now) {
  std::vector<std::pair<ClientNetwork, std::size_t>> failed;
  clients_.for_each([&](const ClientNetwork& network, const Tally& tally) {
    const auto limit = is_shared(network.base) ? rules_.shared_max_failures : rules_.max_failures;
    const auto count = tally.failures.count();
    if (count >= limit && bans_.find(network.base) == nullptr) failed.emplace_back(network, count);
  });
  for (const auto& [network, count] : failed) {
    const Ticket ticket{.attempt = {.client = network.base, .room = {}}};
    if (!start_ban(network, ticket, count, now)) continue;
    if (Tally* tally = clients_.look(network, now.steady, rules_.find_time)) tally->clear();
    clients_.drop_if_empty(network);
  }
}

void PinGuard::learn_entry(const ClientNetwork& network, std::string door, core::TimePoint when) {
  Pair pair{network, std::move(door)};
  if (by_pair_.contains(pair) || entrants_.size() >= kMaxEntrants) return;
  entrants_.emplace_back(pair, when);
  by_pair_.emplace(std::move(pair), std::prev(entrants_.end()));
}

void PinGuard::forget() {
  clients_.clear();
  wide_.clear();
  rooms_.clear();
  pairs_.clear();
  entrants_.clear();
  by_pair_.clear();
  static_cast<void>(bans_.clear());
  begun_.clear();
  ++epoch_;
  ++ban_changes_;
}

std::optional<Ban> PinGuard::ban_of(const ClientNetwork& network) const {
  if (const Ban* ban = bans_.find(network.base); ban != nullptr && ban->network == network)
    return *ban;
  if (network == network_of(network.base)) return std::nullopt;
  for (const Ban& ban : bans_.in_force()) { // a wide one, behind that of its first part
    if (ban.network == network) return ban;
  }
  return std::nullopt;
}

void PinGuard::impose(Ban ban, const core::Now& now) {
  expire(now);
  const ClientNetwork network = ban.network;
  const core::Duration length = ban.until - now.steady;
  if (length <= core::Duration::zero()) return;
  const bool by_hand = ban.by_hand;
  if (!bans_.add(std::move(ban), rules_.remember)) return;
  ++ban_changes_;
  say({.kind = by_hand ? GuardEvent::Kind::added : GuardEvent::Kind::banned,
       .time = now.wall,
       .network = network,
       .length = length});
}

} // namespace rproxyd
