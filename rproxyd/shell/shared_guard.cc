#include "rproxyd/shell/shared_guard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "libcore/event/loop.h"
#include "rproxyd/shell/log_files.h"

namespace rproxyd {
namespace {

GuardRules rules_of(const Settings::PinGuard& from) {
  GuardRules rules;
  rules.count = from.count == Settings::PinGuard::Count::wrong_pins
                    ? GuardRules::Count::wrong_pins
                    : GuardRules::Count::denied_tokens;
  rules.max_failures = from.max_failures;
  rules.find_time = from.find_time;
  rules.ban_time = from.ban_time;
  rules.growth = from.growth;
  rules.max_ban_time = from.max_ban_time;
  rules.remember = from.remember;
  rules.widen = from.widen_ipv6;
  rules.ignore = from.ignore;
  rules.shared = from.shared_networks;
  rules.shared_max_failures = from.shared_max_failures;
  rules.room = {.enabled = from.room.enabled,
                .find_time = from.room.find_time,
                .slow_after = from.room.slow_after,
                .max_failures = from.room.max_failures,
                .pace = from.room.pace,
                .remember = from.room.remember};
  rules.dry_run = from.dry_run;
  return rules;
}

// No ban that was kept is honoured for longer.
core::Duration longest_ban(const Settings::PinGuard& settings) {
  return std::max(
      {settings.ban_time, settings.max_ban_time, core::Duration(std::chrono::hours(24 * 365))});
}

constexpr std::uint64_t kNeverSaved = std::numeric_limits<std::uint64_t>::max();
constexpr core::Duration kSaveAgainAfter = std::chrono::seconds(5); // when a disk was full

struct EventText {
  logging::Level level;
  std::string_view name;
  std::string_view message;
};

EventText text_of(GuardEvent::Kind kind) {
  using Kind = GuardEvent::Kind;
  using logging::Level;
  switch (kind) {
    case Kind::failed:
      return {Level::info, "pin.failed", "an attempt failed"};
    case Kind::banned:
      return {Level::warning, "ban.begun", "too many attempts failed"};
    case Kind::added:
      return {Level::warning, "ban.added", "banned by hand"};
    case Kind::lifted:
      return {Level::info, "ban.lifted", "lifted by hand"};
    case Kind::ended:
      return {Level::info, "ban.ended", "the ban's time is over"};
    case Kind::unbanned:
      return {Level::warning, "ban.no_room",
              "there is no room for another ban: attempts are refused all the same"};
    case Kind::pair_full:
      return {Level::warning, "room.exhausted",
              "a shared address has no attempt left at this room for a while"};
    case Kind::room_slow:
      return {Level::warning, "room.slow", "many attempts at this room failed: newcomers wait"};
  }
  return {Level::info, "unknown", ""};
}

// Of this process, among all that share a server.
std::string random_name() {
  std::array<std::uint8_t, 8> bytes{};
  RAND_bytes(bytes.data(), bytes.size());
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

} // namespace

core::Result<std::unique_ptr<SharedGuard>> SharedGuard::make(const Settings::PinGuard& settings,
                                                             logging::Logger& log,
                                                             const core::Now& now) {
  std::unique_ptr<SharedGuard> guard(new SharedGuard(log));
  auto change = guard->prepare(settings, now);
  if (!change) return std::unexpected(change.error());
  guard->apply(*std::move(change), now);
  guard->begin(now);
  return guard;
}

core::Result<SharedGuard::Change> SharedGuard::prepare(const Settings::PinGuard& settings,
                                                       const core::Now& now) {
  Change change{.rules = rules_of(settings),
                .audit_format = settings.audit_format,
                .store = {},
                .found = {},
                .audit_log = {},
                .shared = settings.redis.has_value(),
                .fleet_store = {}};
  if (settings.audit_log) {
    auto file = open_log(*settings.audit_log, log_);
    if (!file) return std::unexpected(file.error());
    change.audit_log = *std::move(file);
  }
  if (settings.redis) {
    if (fleet_store_ && fleet_store_->server() == *settings.redis) return change;
    auto store = FleetStore::make(*settings.redis);
    if (!store) return std::unexpected(store.error());
    change.fleet_store = *std::move(store);
    return change;
  }
  if (!settings.state) return change;
  change.store.emplace(*settings.state);
  const std::lock_guard lock(files_);
  if (store_ && store_->path() == *settings.state) return change;
  auto kept = change.store->load(now, longest_ban(settings), log_);
  if (!kept) return std::unexpected(kept.error());
  change.found = *std::move(kept);
  // Found out now rather than when the first ban is to be kept.
  if (auto saved = change.store->save(change.found, now); !saved)
    return std::unexpected(saved.error());
  return change;
}

void SharedGuard::apply(Change change, const core::Now& now) {
  if (!change.shared || change.fleet_store) {
    replace_store(nullptr); // its thread may wait for the locks below
    leave_store(now);
  }
  std::unique_ptr<FleetStore> store = std::move(change.fleet_store);
  take_up(std::move(change), store.get(), now);
  if (!store) return;
  store->begin(*this);
  replace_store(std::move(store));
}

void SharedGuard::take_up(Change change, const FleetStore* store, const core::Now& now) {
  const std::lock_guard files(files_);
  const std::lock_guard lock(mutex_);
  share(change.shared, random_name(), now);
  if (store != nullptr) {
    store_name_ = store->server().to_string();
    unreachable_said_ = false;
  }
  dry_run_ = change.rules.dry_run;
  guard_.set_rules(std::move(change.rules));
  const bool moved = change.store && !(store_ && store_->path() == change.store->path());
  std::erase_if(change.found, [&](const Ban& ban) { return guard_.knows_ban_of(ban.network); });
  guard_.restore(std::move(change.found), now);
  audit_format_ = change.audit_format;
  audit_log_ = std::move(change.audit_log);
  store_ = std::move(change.store);
  keeps_bans_ = store_.has_value();
  if (moved) saved_ = kNeverSaved;
  ++rule_changes_;
  after_change();
  wake_.notify_one();
}

void SharedGuard::begin(const core::Now& now) {
  if (any_bans_) {
    log_.info("pin_guard.restored", "bans of before are in force again",
              logging::field("bans", guard_.bans(now).size()));
  }
  writer_ = std::thread([this] { write_until_stopped(); });
}

SharedGuard::~SharedGuard() {
  replace_store(nullptr);
  if (!writer_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void SharedGuard::reopen_audit_log() {
  if (audit_log_) reopen_log(*audit_log_, log_);
}

// ---- from the workers

Admission SharedGuard::admit(const PinAttempt& attempt, const Wake& wake, const core::Now& now) {
  return asked(
      [&] { return fleet_ ? fleet_->admit(attempt, wake, now) : guard_.admit(attempt, now); });
}

Admission SharedGuard::decide(const std::string& claim, const core::Now& now) {
  return asked([&]() -> Admission {
    if (fleet_) return fleet_->decide(claim, now);
    return {.kind = Admission::Kind::wait, .delay = PinGuard::kAskAgain}; // a reload came between
  });
}

void SharedGuard::abandon(const std::string& claim, const core::Now& now) {
  told([&] {
    if (fleet_) fleet_->abandon(claim, now);
  });
}

void SharedGuard::settle(const Ticket& ticket, Outcome outcome, const core::Now& now) {
  told([&] {
    if (fleet_) {
      fleet_->settle(ticket, outcome, now);
    } else {
      guard_.settle(ticket, outcome, now);
    }
    if (observer_ && !(fleet_ && fleet_->figures().shares)) observer_(ticket.attempt, outcome);
  });
}

Admission SharedGuard::asked(const std::function<Admission()>& ask) {
  Admission admission;
  told([&] { admission = ask(); });
  return admission;
}

void SharedGuard::told(const std::function<void()>& tell) {
  std::vector<FleetReplica::Wake> woken;
  bool words = false;
  {
    const std::lock_guard lock(mutex_);
    tell();
    after_change();
    if (fleet_) {
      woken = fleet_->take_woken();
      words = fleet_->has_words();
    }
  }
  for (const auto& wake : woken) wake();
  if (words) poke_store();
}

std::optional<SharedGuard::BanNotice> SharedGuard::ban_of(const core::IpAddress& client,
                                                          const core::Now& now) {
  if (dry_run() || !any_bans_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const Ban* ban = guard_.find_ban(client, guard_time(now));
  std::optional<BanNotice> notice;
  if (ban != nullptr)
    notice = BanNotice{.until = local(ban->until), .tokens_only = ban->tokens_only};
  after_change();
  return notice;
}

bool SharedGuard::refuses_connection(const core::IpAddress& peer, const core::Now& now) {
  const auto ban = ban_of(peer, now);
  if (!ban || ban->tokens_only) return false;
  connections_refused_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void SharedGuard::after_change() {
  any_bans_.store(guard_.has_bans(), std::memory_order_release);
  version_.store(guard_.ban_changes() + rule_changes_ + 1, std::memory_order_release);
  if (guard_.has_events()) wake_.notify_one();
}

// ---- from one process to the next

GuardState SharedGuard::give(Observer observer, const core::Now& now) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
  return state_here(now);
}

void SharedGuard::keep() {
  const std::lock_guard lock(mutex_);
  observer_ = nullptr;
  wake_.notify_one(); // there may be something to write
}

void SharedGuard::handed_over() {
  const std::lock_guard lock(mutex_);
  handed_over_ = true;
}

void SharedGuard::adopt(const GuardState& state, const core::Now& now) {
  const std::lock_guard lock(mutex_);
  // Else all is known from siblings, and this would be a second time.
  if (!fleet_ || !fleet_->figures().shares) adopt_here(state, now);
  after_change();
  wake_.notify_one();
}

void SharedGuard::count(const PinAttempt& attempt, Outcome outcome, const core::Now& now) {
  const std::lock_guard lock(mutex_);
  if (!fleet_ || !fleet_->figures().shares) guard_.count(attempt, outcome, guard_time(now));
  after_change();
}

// ---- for people

std::vector<Ban> SharedGuard::bans(const core::Now& now) {
  const std::lock_guard lock(mutex_);
  auto bans = guard_.bans(guard_time(now));
  for (Ban& ban : bans) ban.until = local(ban.until);
  after_change();
  return bans;
}

bool SharedGuard::ban(const ClientNetwork& network, std::optional<core::Duration> duration,
                      const core::Now& now) {
  bool banned = false;
  told([&] {
    banned = guard_.ban(network, duration, guard_time(now));
    if (fleet_ && banned) fleet_->banned_by_hand(network);
  });
  return banned;
}

bool SharedGuard::lift(const ClientNetwork& network, const core::Now& now) {
  bool lifted = false;
  told([&] {
    lifted = guard_.lift(network, guard_time(now));
    if (fleet_) fleet_->lifted_by_hand(network);
  });
  return lifted;
}

std::size_t SharedGuard::lift_all(const core::Now& now) {
  std::size_t lifted = 0;
  told([&] {
    lifted = guard_.lift_all(guard_time(now));
    if (fleet_) fleet_->lifted_all_by_hand();
  });
  return lifted;
}

SharedGuard::Counters SharedGuard::counters() {
  const std::lock_guard lock(mutex_);
  Counters counters;
  static_cast<GuardCounters&>(counters) = guard_.counters();
  counters.connections_refused = connections_refused_.load(std::memory_order_relaxed);
  counters.bans_in_force = guard_.bans(guard_time(event::read_now())).size();
  if (fleet_) counters.fleet = fleet_->figures();
  return counters;
}

// ---- the thread that writes

void SharedGuard::write_until_stopped() {
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    last = stopping_;
    // So that the end of a ban is written when it comes, not when somebody asks.
    const core::Now now = event::read_now();
    static_cast<void>(guard_.find_ban({}, guard_time(now)));
    after_change();
    // What another process knows, too, is its to write, as soon as it serves.
    const bool writes = !observer_ && !handed_over_;
    std::vector<GuardEvent> events;
    if (writes || handed_over_) events = guard_.take_events();
    if (handed_over_) events.clear();
    std::optional<std::vector<Ban>> bans;
    if (is_unsaved() && (last || now.steady >= save_again_)) {
      bans = guard_.bans_to_keep(now);
      saved_ = guard_.ban_changes();
    }
    if (!events.empty() || bans) {
      lock.unlock();
      bool saved = true;
      {
        const std::lock_guard files(files_);
        write_events(events);
        if (bans) saved = save_bans(*bans);
      }
      lock.lock();
      if (!saved) saved_ = kNeverSaved;
      if (bans) save_again_ = saved ? core::TimePoint() : now.steady + kSaveAgainAfter;
      continue;
    }
    if (last) break;
    const auto something = [this] {
      if (stopping_) return true;
      if (observer_ || handed_over_) return false;
      return guard_.has_events() || (is_unsaved() && event::read_now().steady >= save_again_);
    };
    auto until = guard_.next_ban_end().transform([this](auto end) { return local(end); });
    if (is_unsaved()) until = std::min(until.value_or(save_again_), save_again_);
    if (until) {
      wake_.wait_until(lock, *until, something);
    } else {
      wake_.wait(lock, something);
    }
  }
}

bool SharedGuard::is_unsaved() const {
  return keeps_bans_ && !observer_ && !handed_over_ && saved_ != guard_.ban_changes();
}

// False: not now; a full disk may have room later.
bool SharedGuard::save_bans(const std::vector<Ban>& bans) {
  if (!store_) return true;
  const auto saved = store_->save(bans, event::read_now());
  if (!saved) {
    log_.error("pin_guard.state_failed", "bans would not survive a restart; it is tried again",
               logging::field("reason", saved.error()));
  }
  return saved.has_value();
}

void SharedGuard::write_events(const std::vector<GuardEvent>& events) {
  for (const GuardEvent& event : events) {
    const EventText text = text_of(event.kind);
    if (audit_log_) {
      logging::Line line(audit_format_, event.time, text.level, text.name, text.message);
      if (event.kind == GuardEvent::Kind::failed) {
        line.add("client", event.client.to_string());
        line.add("network", event.network);
      } else if (event.kind != GuardEvent::Kind::room_slow) {
        line.add("network", event.network);
      }
      if (!event.room.empty()) line.add("room", event.room);
      if (event.failures != 0) line.add("failures", event.failures);
      if (event.length != core::Duration::zero()) line.add("seconds", event.length);
      if (event.offences != 0) line.add("offences", event.offences);
      if (event.tokens_only) line.add("tokens_only", true);
      if (dry_run()) line.add("dry_run", true);
      std::string_view finished = line.finish();
      finished.remove_suffix(1);
      audit_log_->append(finished);
    }
    if (event.kind == GuardEvent::Kind::banned) {
      log_.warning("pin_guard.banned", text.message, logging::field("network", event.network),
                   logging::field("seconds", event.length), logging::field("dry_run", dry_run()));
    } else if (event.kind == GuardEvent::Kind::room_slow) {
      log_.warning("pin_guard.room_slow", text.message, logging::field("room", event.room));
    }
  }
}

} // namespace rproxyd
