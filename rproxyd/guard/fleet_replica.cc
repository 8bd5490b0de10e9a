// Attempts, and what is heard of them. fleet_state.cc has how guards come and go.
#include "rproxyd/guard/fleet_replica.h"

#include <algorithm>
#include <utility>

namespace rproxyd {

using Kind = Admission::Kind;

FleetReplica::FleetReplica(PinGuard& guard, std::string name, const core::Now& now)
    : guard_(guard), name_(std::move(name)) {
  // A guess, until the server has said what time it is.
  offset_ = std::chrono::duration_cast<core::Duration>(now.wall.time_since_epoch()) -
            now.steady.time_since_epoch();
}

// ---- attempts that come here

Admission FleetReplica::admit(const PinAttempt& given, Wake wake, const core::Now& now) {
  // As siblings will read it.
  const auto read = read_attempt(write_attempt(given));
  const PinAttempt& attempt = read ? read->attempt : given;
  const core::Now here = time(now);
  // Neither counted nor held back.
  if (!guard_.counts(attempt) && !attempt.carries_pin) return guard_.admit(attempt, here);
  if (auto verdict = guard_.look(attempt, here)) return *std::move(verdict);
  if (state_ != State::sharing) return admit_alone(attempt, now);
  if (claims_.size() >= kMaxClaims)
    return {.kind = Kind::wait, .delay = PinGuard::kAskAgain, .refusal = GuardRefusal::exhausted};
  std::string id = next_id();
  say({.kind = "want", .id = id, .payload = write_attempt(attempt)});
  claims_.emplace(id, Claim{.attempt = attempt, .wake = std::move(wake), .asked = now.steady});
  return {.kind = Kind::asked, .delay = kPatience, .claim = std::move(id)};
}

Admission FleetReplica::admit_alone(const PinAttempt& attempt, const core::Now& now) {
  Admission admission = guard_.admit(attempt, time(now));
  if (!admission.ticket) return admission;
  ++figures_.alone;
  std::string id = next_id();
  admission.ticket->id = id;
  if (told()) say({.kind = "open", .id = id, .payload = write_attempt(attempt)});
  own_.emplace(std::move(id), *admission.ticket);
  return admission;
}

Admission FleetReplica::decide(const std::string& claim, const core::Now& now) {
  const auto found = claims_.find(claim);
  if (found == claims_.end()) return {.kind = Kind::wait, .delay = PinGuard::kAskAgain};
  if (!found->second.decided && state_ == State::sharing &&
      now.steady < found->second.asked + kPatience) {
    return {
        .kind = Kind::asked, .delay = found->second.asked + kPatience - now.steady, .claim = claim};
  }
  const Claim decided = std::move(found->second);
  claims_.erase(found);
  if (auto admission = decided.decided) return *admission;
  if (state_ == State::sharing) {
    disconnected(now);
    broken_ = true;
  }
  // What it has asked may still be heard there: it has the same name then.
  ++figures_.late;
  Admission admission = guard_.admit(decided.attempt, time(now));
  if (!admission.ticket) return admission;
  ++figures_.alone;
  admission.ticket->id = claim;
  if (told()) say({.kind = "open", .id = claim, .payload = write_attempt(decided.attempt)});
  own_.emplace(claim, *admission.ticket);
  return admission;
}

void FleetReplica::abandon(const std::string& claim, const core::Now& now) {
  const auto found = claims_.find(claim);
  if (found == claims_.end()) return;
  found->second.wake = nullptr;
  found->second.abandoned = true;
  const auto decided = std::exchange(found->second.decided, std::nullopt);
  if (!decided) return;
  claims_.erase(found);
  if (decided->ticket) settle(*decided->ticket, Outcome::none, now);
}

void FleetReplica::settle(const Ticket& ticket, Outcome outcome, const core::Now& now) {
  if (ticket.id.empty()) return guard_.settle(ticket, outcome, time(now));
  const auto found = own_.find(ticket.id);
  if (found == own_.end()) return; // it was taken for lost, and has been counted
  Ticket mine = std::move(found->second);
  own_.erase(found);
  if (told()) say_end(mine.id, mine.attempt, outcome);
  if (state_ == State::sharing) {
    std::string id = mine.id;
    ending_.insert_or_assign(std::move(id), Ending{.ticket = std::move(mine), .outcome = outcome});
    return;
  }
  end(mine, outcome, time(now));
}

void FleetReplica::say_end(const std::string& id, const PinAttempt& attempt, Outcome outcome) {
  std::string payload = write_attempt(attempt);
  if (guard_.fails(attempt, outcome)) {
    say({.kind = "end",
         .id = id,
         .number = outcome == Outcome::wrong_pin ? "wrong" : "denied",
         .payload = std::move(payload)});
  } else if (outcome == Outcome::admitted && attempt.carries_pin) {
    const std::string extension =
        attempt.room + '\n' + attempt.extension; // as PinGuard tells doors apart
    say({.kind = "admit",
         .id = id,
         .payload = std::move(payload),
         .door = write_entrant(network_of(attempt.client), extension)});
  } else {
    say({.kind = "none", .id = id, .payload = std::move(payload)});
  }
}

// Counts what has ended here.
void FleetReplica::end(const Ticket& ticket, Outcome outcome, const core::Now& time) {
  const bool failed = guard_.fails(ticket.attempt, outcome);
  guard_.settle(ticket, outcome, time);
  if (failed) note_failure(ticket.id, ticket.attempt, PinGuard::kAllTallies, time.steady);
  bans_begun(true);
}

void FleetReplica::note_failure(std::string id, const PinAttempt& attempt, unsigned tallies,
                                core::TimePoint when) {
  if (ledger_.size() >= kMaxLedger) ledger_.pop_front();
  const core::Duration window = std::max(guard_.rules().find_time, guard_.rules().room.find_time);
  while (!ledger_.empty() && ledger_.front().when + window <= when) ledger_.pop_front();
  ledger_.push_back({std::move(id), attempt, tallies, when});
}

// `here`: they are ours to tell. What has led to a ban counts no more when it is over.
void FleetReplica::bans_begun(bool here) {
  for (const Ban& ban : guard_.take_begun()) {
    if (here && !told()) unsaid_bans_.insert(ban.network.to_string());
    if (here && told()) {
      const char* kind = state_ == State::sharing ? "keep" : "ban";
      say({.kind = kind,
           .id = ban.network.to_string(),
           .number = forget_at(ban),
           .payload = write_ban(ban)});
    }
    spend(ban, here);
  }
}

void FleetReplica::spend(const Ban& ban, bool here) {
  for (Known& known : ledger_) {
    const ClientNetwork own = network_of(known.attempt.client);
    unsigned spent = 0;
    if (ban.network == own) {
      spent = PinGuard::kClientTally;
    } else if (own.base.family == core::Family::ipv6 &&
               ban.network == widened(own, ban.network.prefix)) {
      spent =
          ban.network.prefix == kSitePrefix ? PinGuard::kSiteTally : PinGuard::kOrganisationTally;
    }
    if ((known.tallies & spent) == 0) continue;
    known.tallies &= ~spent;
    if (here && told()) {
      say({.kind = "spend",
           .id = known.id,
           .payload = write_attempt(known.attempt, known.tallies)});
    }
  }
}

std::string FleetReplica::forget_at(const Ban& ban) const {
  return std::to_string(milliseconds_of(ban.until + guard_.rules().remember));
}

// ---- bans by hand

void FleetReplica::banned_by_hand(const ClientNetwork& network) {
  const auto ban = guard_.ban_of(network);
  if (!ban) return;
  FleetWord word{.kind = "ban",
                 .id = network.to_string(),
                 .number = forget_at(*ban),
                 .payload = write_ban(*ban)};
  if (!told() && by_hand_.size() < kMaxByHand) by_hand_.push_back(word);
  if (told()) say(std::move(word));
}

void FleetReplica::lifted_by_hand(const ClientNetwork& network) {
  FleetWord word{.kind = "lift", .id = network.to_string()};
  unsaid_bans_.erase(word.id);
  if (!told() && by_hand_.size() < kMaxByHand) by_hand_.push_back(word);
  if (told()) say(std::move(word));
}

void FleetReplica::lifted_all_by_hand() {
  FleetWord word{.kind = "clear", .id = "-"};
  unsaid_bans_.clear();
  if (!told()) by_hand_.assign(1, word); // what was done before it has no meaning any more
  if (told()) say(std::move(word));
}

void FleetReplica::say(FleetWord word) { words_.push_back(std::move(word)); }

// ---- what is heard

bool FleetReplica::hear(const resp::Value& lines, const core::Now& now) {
  if (!lines.is_array()) return false;
  for (const resp::Value& line : lines.elements) {
    const auto said = read_said(line.text);
    if (!said) return false;
    if (said->number <= heard_) continue;
    heard_ = said->number;
    hear_line(*said, now);
  }
  return true;
}

void FleetReplica::hear_line(const FleetSaid& said, const core::Now& now) {
  const core::Now then{.steady = fleet_time(said.time), .wall = now.wall};
  const std::string id(said.id);
  const bool own = id.starts_with(name_ + ':');
  if (said.kind == "want") {
    if (own && !claims_.contains(id) && !own_.contains(id) && !ending_.contains(id))
      return say({.kind = "none", .id = id, .payload = std::string(said.payload)});
    if (own) return hear_own_want(id, then);
    return hear_want(said, false, then);
  }
  if (said.kind == "open") {
    if (!own) hear_want(said, true, then);
    return;
  }
  if (said.kind == "none") return end_elsewhere(said, Outcome::none, then);
  if (said.kind == "admit") return end_elsewhere(said, Outcome::admitted, then);
  if (said.kind == "end") {
    if (said.what == "denied") return end_elsewhere(said, Outcome::denied, then);
    return end_elsewhere(said, Outcome::wrong_pin, then);
  }
  const PinGuard::Elsewhere elsewhere(guard_);
  if (said.kind == "fail") {
    const auto known = std::ranges::find(ledger_, id, &Known::id);
    const auto attempt = read_attempt(said.payload);
    if (!attempt || known != ledger_.end()) return;
    // A ban that it leads to is made by all, at the same moment.
    if (attempt->tallies == PinGuard::kAllTallies) {
      guard_.count(attempt->attempt, Outcome::wrong_pin, then);
    } else {
      guard_.learn(attempt->attempt, attempt->tallies, own, then.steady);
    }
    note_failure(id, attempt->attempt, attempt->tallies, then.steady);
    bans_begun(false);
  } else if (said.kind == "ban") {
    const auto ban = read_ban(said.payload);
    if (!ban || ban->until <= then.steady || guard_.ban_of(ban->network)) return;
    guard_.impose(*ban, then);
    if (!ban->by_hand) spend(*ban, false);
  } else if (said.kind == "lift") {
    if (const auto network = parse_client_network(id))
      static_cast<void>(guard_.lift(*network, then));
  } else if (said.kind == "clear") {
    static_cast<void>(guard_.lift_all(then));
  }
}

void FleetReplica::hear_own_want(const std::string& id, const core::Now& time) {
  if (own_.contains(id) || ending_.contains(id)) return; // decided here, for want of an answer
  const auto found = claims_.find(id);
  if (found == claims_.end()) return;
  Claim& claim = found->second;
  Admission admission = guard_.admit(claim.attempt, time);
  ++figures_.asked;
  if (admission.ticket) {
    admission.ticket->id = id;
    own_.emplace(id, *admission.ticket);
  } else {
    say({.kind = "none", .id = id, .payload = write_attempt(claim.attempt)});
  }
  if (claim.abandoned) {
    claims_.erase(found);
    if (!admission.ticket) return;
    own_.erase(id);
    say_end(id, admission.ticket->attempt, Outcome::none);
    ending_.insert_or_assign(id, Ending{.ticket = *admission.ticket, .outcome = Outcome::none});
    return;
  }
  claim.decided = std::move(admission);
  if (claim.wake) woken_.push_back(std::exchange(claim.wake, nullptr));
}

void FleetReplica::hear_want(const FleetSaid& said, bool surely, const core::Now& time) {
  const std::string id(said.id);
  const auto read = read_attempt(said.payload);
  if (!read || siblings_.contains(id)) return;
  const PinGuard::Elsewhere elsewhere(guard_);
  if (surely) {
    siblings_.emplace(id, guard_.hold(read->attempt, time));
  } else if (const Admission admission = guard_.admit(read->attempt, time); admission.ticket) {
    siblings_.emplace(id, *admission.ticket);
  }
}

void FleetReplica::end_elsewhere(const FleetSaid& said, Outcome outcome, const core::Now& time) {
  std::string id(said.id);
  if (const auto ended = ending_.find(id); ended != ending_.end()) {
    Ending mine = std::move(ended->second);
    ending_.erase(ended);
    return end(mine.ticket, mine.outcome, time);
  }
  const auto read = read_attempt(said.payload);
  if (!read) return;
  // Nobody knows how it has ended: it may have been a guess.
  if (said.what == "lost" && !read->attempt.carries_pin) outcome = Outcome::none;
  if (const auto mine = own_.find(id); mine != own_.end()) { // taken for lost
    Ticket ticket = std::move(mine->second);
    own_.erase(mine);
    return end(ticket, outcome, time);
  }
  const PinGuard::Elsewhere elsewhere(guard_);
  if (const auto held = siblings_.find(id); held != siblings_.end()) {
    guard_.settle(held->second, outcome, time);
    siblings_.erase(held);
  } else {
    guard_.count(read->attempt, outcome, time);
  }
  if (guard_.fails(read->attempt, outcome))
    note_failure(std::move(id), read->attempt, PinGuard::kAllTallies, time.steady);
  bans_begun(false);
}

FleetFigures FleetReplica::figures() const {
  FleetFigures figures = figures_;
  figures.siblings = std::max<std::size_t>(guards_.size(), 1);
  figures.shares = state_ == State::sharing;
  return figures;
}

} // namespace rproxyd
