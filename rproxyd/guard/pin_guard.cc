#include "rproxyd/guard/pin_guard.h"

#include <algorithm>

namespace rproxyd {
namespace {

using Kind = Admission::Kind;

Admission wait(core::Duration delay, GuardRefusal what_for) {
  return {.kind = Kind::wait, .delay = delay, .refusal = what_for};
}
Admission refuse(GuardRefusal why, core::Duration worthwhile_in) {
  return {.kind = Kind::refuse, .delay = worthwhile_in, .refusal = why};
}

// Who goes through a reception is known at that door alone: what a client writes behind a room that
// is none changes nothing at the node.
std::string door_of(const PinAttempt& attempt) { return attempt.room + '\n' + attempt.extension; }

bool has_extension(const PinAttempt& attempt) {
  return !attempt.extension.empty() && attempt.extension != attempt.room;
}

} // namespace

// ---- before an attempt

Admission PinGuard::admit(const PinAttempt& attempt, const core::Now& now) {
  if (const Verdict verdict = look(attempt, now)) return *verdict;
  ++counters_.attempts;
  return {.kind = Kind::pass, .ticket = reserve(attempt, now)};
}

PinGuard::Verdict PinGuard::look(const PinAttempt& attempt, const core::Now& now) {
  expire(now);
  Verdict verdict = against(attempt, now);
  if (!verdict) return std::nullopt;
  if (rules_.dry_run) {
    counters_.would_refuse += verdict->kind == Kind::refuse ? 1 : 0;
    return std::nullopt;
  }
  note_verdict(*verdict);
  return verdict;
}

void PinGuard::note_verdict(const Admission& verdict) {
  if (verdict.kind == Kind::wait) {
    ++counters_.waits;
    return;
  }
  switch (verdict.refusal) {
    case GuardRefusal::banned:
      ++counters_.refused_banned;
      return;
    case GuardRefusal::room:
      ++counters_.refused_room;
      return;
    case GuardRefusal::exhausted:
      ++counters_.refused_exhausted;
      return;
  }
}

PinGuard::Verdict PinGuard::against(const PinAttempt& attempt, const core::Now& now) {
  if (ignores(attempt.client)) return std::nullopt;
  if (const Ban* ban = bans_.find(attempt.client))
    return refuse(GuardRefusal::banned, ban->until - now.steady);
  if (counts(attempt)) {
    if (const Verdict verdict = against_client(attempt, now)) return verdict;
  }
  if (!attempt.carries_pin || !rules_.room.enabled || has_entered(attempt, now))
    return std::nullopt;
  if (const Verdict verdict = against_room(attempt.room, now)) return verdict;
  return has_extension(attempt) ? against_room(attempt.extension, now) : std::nullopt;
}

PinGuard::Verdict PinGuard::against_client(const PinAttempt& attempt, const core::Now& now) {
  const ClientNetwork own = network_of(attempt.client);
  const bool shared = is_shared(attempt.client);
  if (const Tally* tally = clients_.look(own, now.steady, rules_.find_time)) {
    const auto limit = shared ? rules_.shared_max_failures : rules_.max_failures;
    if (const Verdict verdict = against_tally(*tally, limit, now)) return verdict;
  }
  if (shared) {
    const Tally* tally = pairs_.look({own, attempt.room}, now.steady, rules_.find_time);
    return tally == nullptr ? std::nullopt : against_tally(*tally, rules_.max_failures, now);
  }
  if (!widens(attempt.client)) return std::nullopt;
  if (const Verdict verdict = against_wide(widened(own, kSitePrefix), now)) return verdict;
  return against_wide(widened(own, kOrganisationPrefix), now);
}

PinGuard::Verdict PinGuard::against_wide(const ClientNetwork& wide, const core::Now& now) {
  const WideTally* tally = wide_.look(wide, now.steady, rules_.find_time);
  if (tally == nullptr) return std::nullopt;
  const auto factor = wide_factor(wide.prefix);
  const auto parts = std::ranges::count_if(
      tally->parts, [&](const auto& part) { return part.second + rules_.find_time > now.steady; });
  if (static_cast<std::size_t>(parts) < factor) return std::nullopt;
  return against_tally(*tally, rules_.max_failures * factor, now);
}

PinGuard::Verdict PinGuard::against_tally(const Tally& tally, std::size_t limit,
                                          const core::Now& now) const {
  limit = share_of(tally, limit);
  if (tally.failures.count() >= limit) {
    return refuse(GuardRefusal::exhausted,
                  tally.failures.below(limit, rules_.find_time) - now.steady);
  }
  if (tally.load() >= limit) return wait(kAskAgain, GuardRefusal::exhausted);
  return std::nullopt;
}

PinGuard::Verdict PinGuard::against_room(const std::string& room, const core::Now& now) {
  const auto& rules = rules_.room;
  RoomTally* tally = rooms_.look(room, now.steady, rules.find_time);
  if (tally == nullptr) return std::nullopt;
  const auto failures = tally->failures.count();
  if (failures < rules.slow_after) tally->slow = false;
  const auto slow_after = share_of(*tally, rules.slow_after);
  const auto max_failures = share_of(*tally, rules.max_failures);
  if (tally->load() < slow_after) return std::nullopt;
  if (failures >= max_failures) {
    return refuse(GuardRefusal::room,
                  tally->failures.below(max_failures, rules.find_time) - now.steady);
  }
  // Those in progress may all be right: a moment tells.
  if (failures < slow_after || tally->load() >= max_failures)
    return wait(kAskAgain, GuardRefusal::room);
  const core::TimePoint next = tally->paced + rules.pace * (alone_ ? alone_->siblings : 1);
  if (next > now.steady) return wait(next - now.steady, GuardRefusal::room);
  return std::nullopt;
}

Ticket PinGuard::reserve(const PinAttempt& attempt, const core::Now& now) {
  Ticket ticket{.attempt = attempt, .epoch = epoch_, .counts = counts(attempt)};
  const ClientNetwork own = network_of(attempt.client);
  const auto hold = [&](auto& table, const auto& key, core::Duration window) {
    return Ticket::Hold{.held = true, .shared = table.begin(key, now.steady, window).shared};
  };
  if (ticket.counts) {
    ticket.client = hold(clients_, own, rules_.find_time);
    if (is_shared(attempt.client)) {
      ticket.pair = hold(pairs_, Pair{own, attempt.room}, rules_.find_time);
    } else if (widens(attempt.client)) {
      ticket.site = hold(wide_, widened(own, kSitePrefix), rules_.find_time);
      ticket.organisation = hold(wide_, widened(own, kOrganisationPrefix), rules_.find_time);
    }
  }
  if (attempt.carries_pin && rules_.room.enabled) {
    const bool newcomer = !ignores(attempt.client) && !has_entered(attempt, now);
    const auto enter = [&](const std::string& room) {
      const auto held = rooms_.begin(room, now.steady, rules_.room.find_time);
      if (newcomer && held.entry.failures.count() >= share_of(held.entry, rules_.room.slow_after))
        held.entry.paced = now.steady;
      return Ticket::Hold{.held = true, .shared = held.shared};
    };
    ticket.room = enter(attempt.room);
    if (has_extension(attempt)) ticket.extension = enter(attempt.extension);
  }
  return ticket;
}

// ---- after it

void PinGuard::settle(const Ticket& ticket, Outcome outcome, const core::Now& now) {
  if (ticket.epoch != epoch_) return count(ticket.attempt, outcome, now);
  expire(now);
  const PinAttempt& attempt = ticket.attempt;
  const ClientNetwork own = network_of(attempt.client);
  const bool wrong = outcome == Outcome::wrong_pin;
  const bool failed =
      ticket.counts &&
      (wrong || (outcome == Outcome::denied && rules_.count == GuardRules::Count::denied_tokens));
  if (wrong) ++counters_.wrong_pins;
  if (outcome == Outcome::admitted) {
    ++counters_.admissions;
    if (attempt.carries_pin) remember_entry(attempt, now);
  }

  settle_wide(ticket, ticket.site, kSitePrefix, failed, now);
  settle_wide(ticket, ticket.organisation, kOrganisationPrefix, failed, now);
  if (ticket.pair.held) {
    const Pair pair{own, attempt.room};
    Tally& tally = pairs_.end(pair, ticket.pair.shared, now.steady, rules_.find_time);
    if (failed) {
      tally.fail(now.steady, !elsewhere_, alone_.has_value());
      if (tally.failures.count() == rules_.max_failures) {
        say({.kind = GuardEvent::Kind::pair_full,
             .time = now.wall,
             .network = own,
             .room = attempt.room,
             .failures = tally.failures.count()});
      }
    }
    pairs_.drop_if_empty(pair);
  }
  if (ticket.client.held) {
    Tally& tally = clients_.end(own, ticket.client.shared, now.steady, rules_.find_time);
    if (failed) fail_client(ticket, tally, now);
    clients_.drop_if_empty(own);
  }
  settle_room(attempt.room, ticket.room, wrong, now);
  settle_room(attempt.extension, ticket.extension, wrong, now);
}

void PinGuard::fail_client(const Ticket& ticket, Tally& tally, const core::Now& now) {
  const ClientNetwork own = network_of(ticket.attempt.client);
  ++counters_.failures;
  const bool banned = bans_.find(ticket.attempt.client) != nullptr; // by hand, or in a dry run
  if (!banned) tally.fail(now.steady, !elsewhere_, alone_.has_value());
  const auto count = tally.failures.count();
  say({.kind = GuardEvent::Kind::failed,
       .time = now.wall,
       .client = ticket.attempt.client,
       .network = own,
       .room = ticket.attempt.room,
       .failures = count});
  const bool shares = is_shared(ticket.attempt.client);
  const auto limit = shares ? rules_.shared_max_failures : rules_.max_failures;
  // A tally of several strangers refuses them all, but bans none.
  if (banned || ticket.client.shared || count < limit) return;
  if (start_ban(own, ticket, count, now)) tally.clear();
}

void PinGuard::settle_wide(const Ticket& ticket, Ticket::Hold hold, std::uint8_t prefix,
                           bool failed, const core::Now& now) {
  if (!hold.held) return;
  const ClientNetwork own = network_of(ticket.attempt.client);
  const ClientNetwork wide = widened(own, prefix);
  WideTally& tally = wide_.end(wide, hold.shared, now.steady, rules_.find_time);
  if (failed && bans_.find(ticket.attempt.client) == nullptr) {
    tally.fail(now.steady, !elsewhere_, alone_.has_value());
    note_part(tally, own, prefix, now.steady);
    const auto factor = wide_factor(prefix);
    const bool many =
        tally.parts.size() == factor && tally.parts.front().second + rules_.find_time > now.steady;
    const auto count = tally.failures.count();
    if (many && !hold.shared && count >= rules_.max_failures * factor &&
        start_ban(wide, ticket, count, now)) {
      tally.clear();
      tally.parts.clear();
    }
  }
  wide_.drop_if_empty(wide);
}

// Those that failed last are enough to tell whether so many different ones did.
void PinGuard::note_part(WideTally& tally, const ClientNetwork& own, std::uint8_t prefix,
                         core::TimePoint when) {
  std::erase_if(tally.parts, [&](const auto& part) { return part.first == own; });
  if (tally.parts.size() >= wide_factor(prefix)) tally.parts.erase(tally.parts.begin());
  tally.parts.emplace_back(own, when);
}

void PinGuard::settle_room(const std::string& room, Ticket::Hold hold, bool failed,
                           const core::Now& now) {
  if (!hold.held) return;
  RoomTally& tally = rooms_.end(room, hold.shared, now.steady, rules_.room.find_time);
  if (failed) {
    tally.fail(now.steady, !elsewhere_, alone_.has_value());
    if (!tally.slow && tally.failures.count() >= rules_.room.slow_after) {
      tally.slow = true;
      say({.kind = GuardEvent::Kind::room_slow,
           .time = now.wall,
           .room = room,
           .failures = tally.failures.count()});
    }
  }
  rooms_.drop_if_empty(room);
}

// ---- bans

bool PinGuard::start_ban(const ClientNetwork& network, const Ticket& ticket, std::size_t failures,
                         const core::Now& now) {
  Ban ban{.network = network,
          .since = now.wall,
          .offences = bans_.offences(network) + 1,
          .tokens_only = is_shared(ticket.attempt.client),
          .room = ticket.attempt.room};
  const core::Duration length = ban_length(ban.offences);
  ban.until = now.steady + length;
  GuardEvent event{.kind = GuardEvent::Kind::banned,
                   .time = now.wall,
                   .network = network,
                   .room = ban.room,
                   .failures = failures,
                   .length = length,
                   .offences = ban.offences,
                   .tokens_only = ban.tokens_only};
  const bool added = bans_.add(ban, rules_.remember);
  if (added) {
    ++ban_changes_;
    ++counters_.bans;
    if (begun_.size() < kMaxEvents) begun_.push_back(std::move(ban));
  } else {
    event.kind = GuardEvent::Kind::unbanned;
  }
  say(std::move(event));
  return added;
}

core::Duration PinGuard::ban_length(unsigned offences) const {
  core::Duration length = rules_.ban_time;
  for (unsigned i = 1; i < offences && rules_.growth > 1 && length < rules_.max_ban_time; ++i)
    length *= rules_.growth;
  return std::min(length, std::max(rules_.max_ban_time, rules_.ban_time));
}

const Ban* PinGuard::find_ban(const core::IpAddress& client, const core::Now& now) {
  expire(now);
  return ignores(client) ? nullptr : bans_.find(client);
}

bool PinGuard::ban(const ClientNetwork& network, std::optional<core::Duration> duration,
                   const core::Now& now) {
  expire(now);
  const core::Duration length = duration.value_or(rules_.ban_time);
  if (!bans_.add({.network = network,
                  .until = now.steady + length,
                  .since = now.wall,
                  .offences = std::max(bans_.offences(network), 1U),
                  .by_hand = true},
                 rules_.remember)) {
    return false;
  }
  ++ban_changes_;
  say({.kind = GuardEvent::Kind::added, .time = now.wall, .network = network, .length = length});
  return true;
}

bool PinGuard::lift(const ClientNetwork& network, const core::Now& now) {
  expire(now);
  if (!bans_.remove(network)) return false;
  ++ban_changes_;
  say({.kind = GuardEvent::Kind::lifted, .time = now.wall, .network = network});
  return true;
}

std::size_t PinGuard::lift_all(const core::Now& now) {
  expire(now);
  const std::vector<Ban> lifted = bans_.clear();
  ++ban_changes_;
  for (const Ban& ban : lifted)
    say({.kind = GuardEvent::Kind::lifted, .time = now.wall, .network = ban.network});
  return lifted.size();
}

std::vector<Ban> PinGuard::bans(const core::Now& now) {
  expire(now);
  return bans_.in_force();
}

std::vector<Ban> PinGuard::bans_to_keep(const core::Now& now) {
  expire(now);
  return bans_.all();
}

void PinGuard::restore(std::vector<Ban> bans, const core::Now& now) {
  for (Ban& ban : bans) bans_.add(std::move(ban), rules_.remember);
  static_cast<void>(bans_.expire(now.steady));
}

void PinGuard::expire(const core::Now& now) {
  for (const Ban& ban : bans_.expire(now.steady)) {
    ++ban_changes_;
    say({.kind = GuardEvent::Kind::ended, .time = now.wall, .network = ban.network});
  }
}

// ---- who is who

bool PinGuard::ignores(const core::IpAddress& client) const {
  return rules_.ignore.contains(client) || rules_.ignore.contains(client.canonical());
}

bool PinGuard::is_shared(const core::IpAddress& client) const {
  return rules_.shared.contains(client) || rules_.shared.contains(client.canonical());
}

bool PinGuard::widens(const core::IpAddress& client) const {
  return rules_.widen && client.canonical().family == core::Family::ipv6;
}

bool PinGuard::counts(const PinAttempt& attempt) const {
  if (ignores(attempt.client)) return false;
  return attempt.carries_pin || rules_.count == GuardRules::Count::denied_tokens;
}

bool PinGuard::has_entered(const PinAttempt& attempt, const core::Now& now) const {
  const auto found = by_pair_.find({network_of(attempt.client), door_of(attempt)});
  return found != by_pair_.end() && found->second->second + rules_.room.remember > now.steady;
}

void PinGuard::remember_entry(const PinAttempt& attempt, const core::Now& now) {
  const Pair pair{network_of(attempt.client), door_of(attempt)};
  if (const auto known = by_pair_.find(pair); known != by_pair_.end()) {
    known->second->second = now.steady;
    return entrants_.splice(entrants_.begin(), entrants_, known->second);
  }
  if (entrants_.size() >= kMaxEntrants) {
    by_pair_.erase(entrants_.back().first);
    entrants_.pop_back();
  }
  entrants_.emplace_front(pair, now.steady);
  by_pair_.emplace(pair, entrants_.begin());
}

void PinGuard::say(GuardEvent event) {
  using Event = GuardEvent::Kind;
  const bool concerns_all = event.kind != Event::failed && event.kind != Event::pair_full &&
                            event.kind != Event::room_slow;
  if (elsewhere_ && !concerns_all) return;
  if (events_.size() >= kMaxEvents) {
    ++counters_.events_lost;
    return;
  }
  events_.push_back(std::move(event));
}

} // namespace rproxyd
