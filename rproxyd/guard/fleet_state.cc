// How a guard comes to share what is counted, and how it goes on alone.
#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

#include "rproxyd/guard/fleet_replica.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

using resp::Value;

constexpr std::size_t kAnswerParts = 6; // see fleet_script.h

std::int64_t number_of(const Value& value) {
  if (value.kind == Value::Kind::integer) return value.integer;
  return static_cast<std::int64_t>(parse_decimal(value.text).value_or(0));
}

bool is_by_hand(const FleetWord& word) {
  return word.kind == "ban" || word.kind == "lift" || word.kind == "clear";
}

bool same(const FleetWord& a, const FleetWord& b) {
  return a.kind == b.kind && a.id == b.id && a.payload == b.payload;
}

} // namespace

// ---- connections

void FleetReplica::connected(const core::Now& now) {
  state_ = State::joining;
  since_ = now.steady;
  outstanding_ = false;
  broken_ = false;
}

void FleetReplica::disconnected(const core::Now& now) {
  if (state_ == State::away) return;
  const bool shared = state_ == State::sharing;
  state_ = State::away;
  since_ = now.steady;
  outstanding_ = false;
  for (auto& [id, ending] : std::exchange(ending_, {}))
    end(ending.ticket, ending.outcome, time(now));
  take_for_failed(time(now));
  if (shared) set_alone();
  // What it may not have heard.
  std::move(words_.begin(), words_.end(), std::back_inserter(unheard_));
  words_.clear();
  for (FleetWord& word : unheard_) {
    if (word.kind == "keep") unsaid_bans_.insert(word.id);
    const auto is_same = [&](const FleetWord& kept) { return same(kept, word); };
    if (is_by_hand(word) && by_hand_.size() < kMaxByHand &&
        std::ranges::none_of(by_hand_, is_same)) {
      by_hand_.push_back(std::move(word));
    }
  }
  unheard_.clear();
  for (auto& [id, claim] : claims_) {
    if (claim.wake && !claim.decided) woken_.push_back(std::exchange(claim.wake, nullptr));
  }
  std::erase_if(claims_, [](const auto& each) { return each.second.abandoned; });
}

// What siblings have in progress: their ends won't be heard, so nobody can wait for them. It counts until
// all is counted anew, but leads to no ban: the PIN may have been right.
void FleetReplica::take_for_failed(const core::Now& time) {
  const PinGuard::Elsewhere elsewhere(guard_);
  for (const auto& [id, ticket] : std::exchange(siblings_, {})) {
    guard_.settle(ticket, Outcome::none, time);
    if (ticket.attempt.carries_pin)
      guard_.learn(ticket.attempt, PinGuard::kAllTallies, false, time.steady);
  }
}

// Of what is left each sibling that was there has its share, in the order of the names.
void FleetReplica::set_alone() {
  awaited_.clear();
  PinGuard::Alone alone;
  for (const auto& [name, silent] : guards_) {
    if (name == name_ || silent > kSilence) continue;
    awaited_.push_back(name);
    ++alone.siblings;
    if (name < name_) ++alone.rank;
  }
  alone_since_ = since_;
  guard_.set_alone(alone);
}

bool FleetReplica::tick(const core::Now& now) const {
  if (broken_) return false;
  if (!outstanding_) return true;
  return now.steady < sent_ + (state_ == State::sharing ? kPatience : kJoinPatience);
}

core::TimePoint FleetReplica::due() const {
  if (outstanding_) return sent_ + (state_ == State::sharing ? kPatience : kJoinPatience);
  return sent_ + kFollowEvery;
}

void FleetReplica::begin_with(const GuardState& state) {
  const auto note = [this](const GuardState::Failures& failures, const PinAttempt& attempt,
                           unsigned tally) {
    for (const auto& moment : failures) {
      for (std::size_t i = 0; i < moment.failures; ++i)
        note_failure(next_id(), attempt, tally, moment.when);
    }
  };
  for (const auto& each : state.clients) {
    note(each.failures, {.client = each.network.base, .room = {}, .carries_pin = true},
         PinGuard::kClientTally);
  }
  for (const auto& each : state.rooms) {
    note(each.failures,
         {.client = core::IpAddress::v4(0, 0, 0, 0), .room = each.room, .carries_pin = true},
         PinGuard::kRoomTally);
  }
  std::ranges::stable_sort(ledger_, {}, &Known::when);
}

// ---- requests

std::optional<std::vector<std::string>> FleetReplica::request(const core::Now& now) {
  if (outstanding_ || state_ == State::away) return std::nullopt;
  const char* mode = "merge";
  const bool due_again = now.steady >= sent_ + kFollowEvery;
  switch (state_) {
    case State::away:
      return std::nullopt;
    case State::joining:
      mode = "join";
      break;
    case State::merging:
      break;
    case State::waiting:
      if (siblings_have_merged(now) && words_.size() <= kWordsAtOnce) {
        mode = "state";
        state_ = State::entering;
      } else if (words_.empty() && !due_again) {
        return std::nullopt;
      }
      break;
    case State::entering:
      return std::nullopt;
    case State::sharing:
      if (words_.empty() && heard_ >= said_ && !due_again) return std::nullopt;
      mode = "go";
      break;
  }
  const auto& rules = guard_.rules();
  const auto milliseconds = [](core::Duration length) {
    return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(length).count());
  };
  std::vector<std::string> arguments{
      mode,
      name_,
      lineage_,
      std::to_string(heard_),
      next_id() + ':' + std::to_string(now.wall.time_since_epoch().count()),
      milliseconds(std::max(rules.find_time, rules.room.find_time)),
      milliseconds(rules.room.remember)};
  const std::size_t count = state_ == State::joining ? 0 : std::min(words_.size(), kWordsAtOnce);
  for (std::size_t i = 0; i < count; ++i) {
    FleetWord& word = words_.front();
    for (const std::string& each : {word.kind, word.id, word.number, word.payload, word.door})
      arguments.push_back(each);
    unheard_.push_back(std::move(word));
    words_.pop_front();
  }
  outstanding_ = true;
  sent_ = now.steady;
  return arguments;
}

bool FleetReplica::siblings_have_merged(const core::Now& now) const {
  if (now.steady >= since_ + kGrace) return true;
  return std::ranges::all_of(awaited_, [&](const std::string& awaited) {
    return std::ranges::any_of(guards_, [&](const auto& guard) {
      return guard.first == awaited && guard.second <= kMergedOfLate;
    });
  });
}

// ---- answers

bool FleetReplica::answer(const Value& answer, const core::Now& now) {
  outstanding_ = false;
  if (!answer.is_array() || answer.elements.size() < kAnswerParts) return false;
  const std::string& lineage = answer.elements[0].text;
  const std::int64_t time = number_of(answer.elements[1]);
  const auto number = static_cast<std::uint64_t>(number_of(answer.elements[2]));
  const std::string& mode = answer.elements[3].text;
  if (mode == "join" && state_ == State::joining) return take_joined(lineage, number, now);
  // Others began anew, or have gone on without us for long.
  if (mode == "anew" || lineage != lineage_) return false;
  for (const FleetWord& word : unheard_) {
    if (!by_hand_.empty() && same(by_hand_.front(), word)) by_hand_.pop_front();
  }
  unheard_.clear();
  hear_guards(answer.elements[5]);
  if (mode == "merge") {
    if (state_ != State::merging || words_.size() > kWordsAtOnce) return true;
    state_ = State::waiting;
    since_ = now.steady;
    return true;
  }
  said_ = number;
  if (mode == "state" && state_ == State::entering) {
    if (!take_state(answer, time, now)) return false;
    heard_ = number;
    state_ = State::sharing;
    ++figures_.joined;
    return true;
  }
  if (mode != "go" || state_ != State::sharing) return false;
  offset_ = fleet_time(time) - now.steady;
  return hear(answer.elements[4], now);
}

void FleetReplica::hear_guards(const Value& guards) {
  guards_.clear();
  for (std::size_t i = 0; i + 1 < guards.elements.size(); i += 2) {
    guards_.emplace_back(guards.elements[i].text, fleet_length(number_of(guards.elements[i + 1])));
  }
}

bool FleetReplica::take_joined(const std::string& lineage, std::uint64_t number,
                               const core::Now& now) {
  if (lineage.empty()) return false;
  const bool anew = lineage_ != lineage;
  lineage_ = lineage;
  heard_ = said_ = number;
  tell_all(anew, now);
  state_ = State::merging;
  return true;
}

// What it may lack: each is counted there once, by its id.
void FleetReplica::tell_all(bool anew, const core::Now& now) {
  const core::Now here = time(now);
  words_.assign(by_hand_.begin(), by_hand_.end());
  for (const Ban& ban : guard_.bans_to_keep(here)) {
    const std::string network = ban.network.to_string();
    if (ban.until <= here.steady && !unsaid_bans_.contains(network)) continue;
    say({.kind = unsaid_bans_.contains(network) ? "ban" : "tell",
         .id = network,
         .number = forget_at(ban),
         .payload = write_ban(ban),
         .door = std::to_string(ban.since.time_since_epoch().count() * 1000)});
  }
  for (const Known& known : ledger_) {
    const core::Duration age = std::max(here.steady - known.when, core::Duration::zero());
    say({.kind = "fail",
         .id = known.id,
         .number =
             std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(age).count()),
         .payload = write_attempt(known.attempt, known.tallies)});
  }
  for (const auto& [id, ticket] : own_)
    say({.kind = "open", .id = id, .payload = write_attempt(ticket.attempt)});
  const core::TimePoint alone_since = alone_since_ + offset_;
  for (const auto& [pair, when] : guard_.entrants()) {
    if (!anew && when < alone_since) continue;
    const core::Duration age = std::max(here.steady - when, core::Duration::zero());
    say({.kind = "enter",
         .id = "-",
         .number =
             std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(age).count()),
         .door = write_entrant(pair.first, pair.second)});
  }
}

// All is counted anew from what is kept there, as every sibling does that comes later.
bool FleetReplica::take_state(const Value& answer, std::int64_t time_there, const core::Now& now) {
  if (answer.elements.size() < kAnswerParts + 4) return false;
  const auto& failures = answer.elements[kAnswerParts].elements;
  const auto& open = answer.elements[kAnswerParts + 1].elements;
  const auto& bans = answer.elements[kAnswerParts + 2].elements;
  const auto& entrants = answer.elements[kAnswerParts + 3].elements;

  const PinGuard::Elsewhere elsewhere(guard_);
  offset_ = fleet_time(time_there) - now.steady;
  const core::Now here = time(now);
  guard_.forget();
  guard_.set_alone(std::nullopt);
  unsaid_bans_.clear();
  ledger_.clear();
  siblings_.clear();
  ending_.clear();

  std::vector<Ban> in_force;
  for (std::size_t i = 1; i < bans.size(); i += 2) {
    if (auto ban = read_ban(bans[i].text)) in_force.push_back(*std::move(ban));
  }
  guard_.restore(std::move(in_force), here);
  for (std::size_t i = 0; i + 2 < failures.size(); i += 3) {
    const auto read = read_attempt(failures[i + 2].text);
    if (!read) continue;
    const core::TimePoint when = fleet_time(number_of(failures[i + 1]));
    guard_.learn(read->attempt, read->tallies, failures[i].text.starts_with(name_ + ':'), when);
    note_failure(failures[i].text, read->attempt, read->tallies, when);
  }
  for (std::size_t i = 1; i < entrants.size(); i += 2) {
    if (auto entrant = read_entrant(entrants[i - 1].text)) {
      guard_.learn_entry(entrant->first, std::move(entrant->second),
                         fleet_time(number_of(entrants[i])));
    }
  }
  guard_.ban_who_has_failed(here); // by what was counted alone
  bans_begun(true);
  take_open(open, here);
  return true;
}

void FleetReplica::take_open(const std::vector<Value>& open, const core::Now& here) {
  for (auto& [id, ticket] : own_) {
    ticket = guard_.hold(ticket.attempt, here);
    ticket.id = id;
  }
  std::unordered_set<std::string> still_said; // their ends, perhaps
  for (const FleetWord& word : words_) still_said.insert(word.id);
  for (std::size_t i = 0; i + 1 < open.size(); i += 2) {
    const std::string& id = open[i].text;
    if (own_.contains(id)) continue;
    if (id.starts_with(name_ + ':') && !still_said.contains(id)) {
      say({.kind = "none", .id = id, .payload = open[i + 1].text});
    } else if (const auto read = read_attempt(open[i + 1].text)) {
      siblings_.emplace(id, guard_.hold(read->attempt, here));
    }
  }
}

} // namespace rproxyd
