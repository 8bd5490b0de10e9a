// SharedGuard's part in counting together with those of other machines.
#include <utility>

#include "rproxyd/shell/shared_guard.h"

namespace rproxyd {
namespace {

// By how much the two clocks differ.
void shift(GuardState& state, core::Duration by) {
  const auto all = [by](GuardState::Failures& failures) {
    for (auto& moment : failures) moment.when += by;
  };
  for (auto& each : state.clients) all(each.failures);
  for (auto& each : state.wide) {
    all(each.failures);
    for (auto& [network, when] : each.parts) when += by;
  }
  for (auto& each : state.rooms) {
    all(each.failures);
    each.paced += by;
  }
  for (auto& each : state.pairs) all(each.failures);
  for (auto& each : state.entrants) each.when += by;
  for (Ban& ban : state.bans) ban.until += by;
}

} // namespace

core::Now SharedGuard::guard_time(const core::Now& now) const {
  return fleet_ ? fleet_->time(now) : now;
}
core::TimePoint SharedGuard::local(core::TimePoint time) const {
  return fleet_ ? fleet_->local(time) : time;
}

GuardState SharedGuard::state_here(const core::Now& now) {
  GuardState state = guard_.state(guard_time(now));
  shift(state, local(core::TimePoint{}).time_since_epoch());
  return state;
}

void SharedGuard::adopt_here(GuardState state, const core::Now& now) {
  shift(state, -local(core::TimePoint{}).time_since_epoch());
  guard_.adopt(state, guard_time(now));
}

// What is known goes on to count, by the other clock.
void SharedGuard::share(bool together, const std::string& name, const core::Now& now) {
  if (together == (fleet_ != nullptr)) return;
  GuardState state = state_here(now);
  guard_.forget();
  guard_.set_alone(std::nullopt);
  if (together) {
    fleet_ = std::make_unique<FleetReplica>(guard_, name, now);
    shift(state, -local(core::TimePoint{}).time_since_epoch());
    fleet_->begin_with(state);
    shift(state, local(core::TimePoint{}).time_since_epoch());
  } else {
    fleet_.reset();
  }
  adopt_here(std::move(state), now);
}

// ---- the store's thread

void SharedGuard::poke_store() {
  const std::lock_guard lock(store_mutex_);
  if (fleet_store_) fleet_store_->poke();
}

void SharedGuard::replace_store(std::unique_ptr<FleetStore> store) {
  {
    const std::lock_guard lock(store_mutex_);
    fleet_store_.swap(store);
  }
  store.reset();
}

void SharedGuard::store_connected(const core::Now& now) {
  const std::lock_guard lock(mutex_);
  fleet_->connected(now);
}

std::optional<std::vector<std::string>> SharedGuard::store_request(const core::Now& now) {
  const std::lock_guard lock(mutex_);
  return fleet_->request(now);
}

core::Result<void> SharedGuard::store_answer(const resp::Value& answer, const core::Now& now) {
  std::vector<FleetReplica::Wake> woken;
  bool understood = false;
  bool begins = false;
  FleetFigures figures;
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    const bool shared = fleet_->figures().shares;
    understood = fleet_->answer(answer, now);
    figures = fleet_->figures();
    begins = figures.shares && !shared;
    if (begins) {
      unreachable_said_ = false;
      name = store_name_;
    }
    woken = fleet_->take_woken();
    after_change();
  }
  for (const auto& wake : woken) wake();
  if (!understood) return core::failure("what is kept there has begun anew, or is not ours");
  if (begins) {
    log_.info("pin_guard.shared", "counts and bans are common to all who use this server",
              logging::field("server", name), logging::field("proxies", figures.siblings));
  }
  return {};
}

core::Result<void> SharedGuard::store_tick(const core::Now& now) {
  const std::lock_guard lock(mutex_);
  if (!fleet_->tick(now)) return core::failure("it answers too slowly");
  return {};
}

core::TimePoint SharedGuard::store_due() {
  const std::lock_guard lock(mutex_);
  return fleet_->due();
}

// The server may be well, but is ours no more.
void SharedGuard::leave_store(const core::Now& now) {
  {
    const std::lock_guard lock(mutex_);
    unreachable_said_ = true;
  }
  store_gone("another is used from now on", now);
}

void SharedGuard::store_gone(std::string_view why, const core::Now& now) {
  std::vector<FleetReplica::Wake> woken;
  std::string name;
  bool said = false;
  {
    const std::lock_guard lock(mutex_);
    if (!fleet_) return;
    fleet_->disconnected(now);
    woken = fleet_->take_woken();
    after_change();
    name = store_name_;
    said = std::exchange(unreachable_said_, true);
  }
  for (const auto& wake : woken) wake();
  if (said) return;
  log_.warning("pin_guard.alone",
               "Redis can't be reached: each proxy counts alone, with its share of what is left",
               logging::field("server", name), logging::field("reason", why));
}

} // namespace rproxyd
