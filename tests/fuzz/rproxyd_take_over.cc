// Any bytes as what a running rproxyd says it knows, a message a line: refused, or taken up by a guard and a pool that then serve,
// forget it in its time, and say it again so that the next process understands it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libcore/base/bytes.h"
#include "rproxyd/guard/pin_guard.h"
#include "rproxyd/proxy/backend_pool.h"
#include "rproxyd/shell/given_state.h"

namespace rproxyd {
namespace {

constexpr std::size_t kMessages = 64; // of one input; the channel has no limit
const std::array kClients{core::IpAddress::v4(203, 0, 113, 7),
                          core::IpAddress::v4(198, 51, 100, 1)};

void must(bool holds) {
  if (!holds) std::abort();
}

core::Now later(const core::Now& now, core::Duration by) {
  return {.steady = now.steady + by,
          .wall = now.wall + std::chrono::duration_cast<core::WallTime::duration>(by)};
}

GuardState again(const GuardState& state, const core::Now& now) {
  GivenState read;
  for (const nlohmann::json& message : messages_of(state, now)) must(add(read, message, now));
  if (!read.guard) std::abort();
  return *std::move(read.guard);
}

PoolState again(const PoolState& state, const core::Now& now) {
  GivenState read;
  for (const nlohmann::json& message : messages_of("pool", state)) must(add(read, message, now));
  return read.pools.empty() ? PoolState{} : std::move(read.pools.front().second);
}

// Attempts from everywhere, and then nothing for longer than anything is remembered.
void serve(PinGuard& guard, const core::Now& now) {
  for (const core::IpAddress& client : kClients) {
    PinAttempt attempt{.client = client, .room = "demo", .carries_pin = true};
    const Admission admission = guard.admit(attempt, now);
    if (admission.ticket) guard.settle(*admission.ticket, Outcome::wrong_pin, now);
    static_cast<void>(guard.find_ban(attempt.client, now));
  }
  static_cast<void>(guard.take_events());
}

void take_up(const GuardState& given, const core::Now& now) {
  PinGuard guard({});
  guard.adopt(given, now);
  must(guard.clients_counted() <= PinGuard::kMaxClients &&
       guard.rooms_counted() <= PinGuard::kMaxRooms);
  serve(guard, now);
  const GuardState known = guard.state(now);
  const GuardState read = again(known, now);
  must(read.clients.size() == known.clients.size() && read.wide.size() == known.wide.size() &&
       read.rooms.size() == known.rooms.size() && read.pairs.size() == known.pairs.size() &&
       read.entrants.size() == known.entrants.size() && read.bans.size() == known.bans.size());
  serve(guard, later(now, std::chrono::seconds(30)));
  serve(guard, later(now, std::chrono::hours(24 * 800)));
  must(guard.bans(later(now, std::chrono::hours(24 * 800))).empty());
}

void take_up(const PoolState& given, const core::Now& now) {
  BackendPool::Rules rules;
  rules.affinity = BackendPool::Affinity::client_address;
  BackendPool pool(rules);
  for (std::uint64_t key = 1; key <= 3; ++key)
    pool.add({.key = static_cast<BackendKey>(key)}, now.steady);
  pool.adopt(given);
  must(pool.clients() <= given.clients.size());
  core::TimePoint time = now.steady;
  for (int round = 0; round < 3; ++round, time += std::chrono::hours(1)) {
    for (const core::IpAddress& client : kClients) {
      const auto chosen = pool.choose(client, {}, {}, time);
      if (!chosen) std::abort(); // there is always one to try
      must(pool.is_member(*chosen));
      pool.exchange_begun(*chosen);
      pool.exchange_ended(*chosen, BackendPool::Outcome::broken, time);
      pool.unreachable(*chosen, time);
      pool.checked(*chosen, CheckResult::failed, time);
    }
  }
  const PoolState known = pool.state();
  const PoolState read = again(known, now);
  must(read.nodes.size() == known.nodes.size() && read.clients.size() == known.clients.size());
}

void run(std::string_view text) {
  const core::Now now{.steady = core::TimePoint(std::chrono::hours(100)),
                      .wall = core::WallTime(std::chrono::seconds(1'767'261'000))};
  GivenState given;
  PinGuard guard({});
  for (std::size_t messages = 0; !text.empty() && messages < kMessages; ++messages) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto message = nlohmann::json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (message.is_discarded()) continue;
    static_cast<void>(add(given, message, now));
    if (const auto noted = attempt_of(message)) guard.count(noted->attempt, noted->outcome, now);
    static_cast<void>(home_of(message));
  }
  if (given.guard) take_up(*given.guard, now);
  for (const auto& [name, pool] : given.pools) take_up(pool, now);
}

} // namespace
} // namespace rproxyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rproxyd::run(core::text_of({data, size}));
  return 0;
}
