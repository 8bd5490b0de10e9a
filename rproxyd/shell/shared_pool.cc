#include "rproxyd/shell/shared_pool.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "libcore/base/bytes.h"

namespace rproxyd {
namespace {

BackendPool::Rules rules_of(const Settings::Pool& settings) {
  BackendPool::Rules rules;
  switch (settings.policy) {
    case Settings::Policy::round_robin:
      rules.policy = BackendPool::Policy::round_robin;
      break;
    case Settings::Policy::least_connections:
      rules.policy = BackendPool::Policy::least_connections;
      break;
    case Settings::Policy::client_hash:
      rules.policy = BackendPool::Policy::client_hash;
      break;
  }
  switch (settings.affinity) {
    case Settings::Affinity::none:
      rules.affinity = BackendPool::Affinity::none;
      break;
    case Settings::Affinity::client_address:
      rules.affinity = BackendPool::Affinity::client_address;
      break;
    case Settings::Affinity::cookie:
      rules.affinity = BackendPool::Affinity::cookie;
      break;
  }
  rules.checks = settings.health.has_value();
  if (settings.health)
    rules.health = {.fall = settings.health->fall, .rise = settings.health->rise};
  rules.slow_start = settings.slow_start;
  rules.retry_percent = settings.retry.budget;
  return rules;
}

// Browsers get to see keys: what is hashed holds all servers, so that an address can't be found by
// trying. Sorted, so that siblings with another order of the list agree.
std::string salt_of(const Settings::Pool& settings) {
  std::vector<std::string> servers;
  servers.reserve(settings.servers.size());
  for (const Settings::Server& server : settings.servers) servers.push_back(server.authority);
  std::ranges::sort(servers);
  return fmt::format("{}", fmt::join(servers, " "));
}

BackendKey key_of(const std::string& salt, const std::string& name) {
  const std::string text = salt + "|" + name;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | digest[i];
  return static_cast<BackendKey>(key);
}

bool is_same_server(const Backend& a, const Backend& b) {
  return a.name == b.name && a.authority == b.authority && a.tls == b.tls;
}

} // namespace

SharedPool::SharedPool(std::string name, const Settings::Pool& settings)
    : SharedPool(std::move(name), settings, salt_of(settings)) {}

SharedPool::SharedPool(std::string name, const Settings::Pool& settings, std::string key_salt)
    : name_(std::move(name)), key_salt_(std::move(key_salt)), pool_(rules_of(settings)) {}

void SharedPool::configure(const Settings::Pool& settings) {
  const std::lock_guard lock(mutex_);
  pool_.set_rules(rules_of(settings));
}

WantedBackend SharedPool::wanted(const Settings::Pool& settings, const Settings::Server& server,
                                 const core::SocketAddress& address) const {
  WantedBackend wanted;
  Backend& backend = wanted.backend;
  backend.name = address.to_string();
  backend.address = address;
  backend.tls = server.scheme == Settings::Scheme::https;
  backend.server_name = settings.tls.server_name.value_or(server.host);
  backend.authority = server.authority;
  backend.key = key_of(key_salt_, fmt::format("{} {}", server.authority, backend.name));
  backend.trust = settings.tls;
  backend.h2 = settings.protocol == Settings::BackendProtocol::h2;
  backend.proxy_header = settings.proxy_protocol;
  wanted.weight = server.weight;
  wanted.priority = server.backup ? 1 : 0;
  return wanted;
}

bool SharedPool::set(const std::vector<WantedBackend>& wanted, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  bool changed = false;
  std::vector<bool> kept(backends_.size());
  std::vector<const WantedBackend*> added;
  for (const WantedBackend& each : wanted) {
    const BackendPool::Member member{
        .key = each.backend.key, .weight = each.weight, .priority = each.priority};
    bool found = false;
    for (std::size_t i = 0; i < kept.size() && !found; ++i) {
      const auto id = static_cast<BackendId>(i);
      found = !kept[i] && pool_.is_member(id) && is_same_server(*backends_[i], each.backend);
      if (!found) continue;
      kept[i] = true;
      if (*backends_[i] != each.backend)
        backends_[i] = std::make_shared<const Backend>(each.backend);
      pool_.change(id, member);
    }
    if (!found) added.push_back(&each);
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] || !pool_.is_member(static_cast<BackendId>(i))) continue;
    pool_.remove(static_cast<BackendId>(i));
    learn(static_cast<BackendId>(i), false, now, "the pool has it no longer");
    changed = true;
  }
  for (const WantedBackend* each : added) {
    const auto id = pool_.add(
        {.key = each->backend.key, .weight = each->weight, .priority = each->priority}, now);
    const auto place = static_cast<std::size_t>(id);
    if (place >= backends_.size()) {
      backends_.resize(place + 1);
      records_.resize(place + 1, BackendRecord(now));
    }
    records_[place] = BackendRecord(now);
    backends_[place] = std::make_shared<const Backend>(each->backend);
    changed = true;
  }
  return changed;
}

std::optional<BackendId> SharedPool::choose(const core::IpAddress& client,
                                            std::span<const BackendId> tried,
                                            std::optional<BackendKey> wanted, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (tried.empty()) pool_.request_begun();
  const auto chosen = pool_.choose(client, tried, wanted, now);
  if (chosen && observer_) observer_(client, pool_.member(*chosen).key);
  return chosen;
}

bool SharedPool::may_retry(core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  return pool_.may_retry(now);
}

bool SharedPool::unreachable(BackendId backend, core::TimePoint now, std::string_view why) {
  const std::lock_guard lock(mutex_);
  const bool news = !pool_.status(backend, now).in_back_off;
  pool_.unreachable(backend, now);
  record(backend).connect_failed();
  if (news) record(backend).began_to_rest();
  learn(backend, false, now, why);
  return news;
}

bool SharedPool::reachable(BackendId backend, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  const bool news = pool_.status(backend, now).in_back_off;
  pool_.reachable(backend, now);
  learn(backend, true, now, "it answers again");
  return news;
}

bool SharedPool::checked(BackendId backend, CheckResult result, core::TimePoint now,
                         std::string_view why) {
  const std::lock_guard lock(mutex_);
  if (!pool_.is_member(backend)) return false;
  const bool news = pool_.checked(backend, result, now);
  record(backend).checked(result);
  const bool reached = result != CheckResult::failed;
  learn(backend, reached, now, result == CheckResult::passed ? "it passes its checks" : why);
  return news;
}

void SharedPool::exchange_begun(BackendId backend) {
  const std::lock_guard lock(mutex_);
  pool_.exchange_begun(backend);
}

bool SharedPool::exchange_ended(BackendId backend, const Attempt& attempt, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  const bool rests = pool_.exchange_ended(backend, attempt.outcome, now);
  record(backend).attempt_ended(attempt.outcome, attempt.head_after);
  if (rests) record(backend).began_to_rest();
  const bool answered = attempt.outcome == BackendPool::Outcome::answered;
  learn(backend, answered, now, answered ? "it answers again" : kBreaksOff);
  return rests;
}

void SharedPool::learn(BackendId backend, bool reached, core::TimePoint now, std::string_view why) {
  const BackendState state = state_of(pool_.status(backend, now), pool_.is_member(backend));
  record(backend).learn(state, reached, now, why);
}

PoolState SharedPool::give(Observer observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
  return pool_.state();
}

void SharedPool::keep() {
  const std::lock_guard lock(mutex_);
  observer_ = nullptr;
}

void SharedPool::adopt(const PoolState& state, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  pool_.adopt(state);
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    const auto id = static_cast<BackendId>(i);
    if (pool_.is_member(id)) learn(id, false, now, "the process before this one has found it so");
  }
}

void SharedPool::settle(const core::IpAddress& client, BackendKey backend, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  pool_.settle(client, backend, now);
}

std::vector<SharedPool::BackendFigures> SharedPool::figures() const {
  const std::lock_guard lock(mutex_);
  std::vector<BackendFigures> all;
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    const auto id = static_cast<BackendId>(i);
    const std::size_t exchanges = pool_.status(id, {}).exchanges;
    if (!pool_.is_member(id) && exchanges == 0) continue;
    const BackendPool::Member& member = pool_.member(id);
    all.push_back({.backend = backends_[i],
                   .weight = member.weight,
                   .backup = member.priority > 0,
                   .exchanges = exchanges,
                   .record = records_[i]});
  }
  return all;
}

std::shared_ptr<const Backend> SharedPool::backend(BackendId id) const {
  const std::lock_guard lock(mutex_);
  return backends_[static_cast<std::size_t>(id)];
}

std::vector<SharedPool::Member> SharedPool::members() const {
  const std::lock_guard lock(mutex_);
  std::vector<Member> members;
  for (std::size_t i = 0; i < backends_.size(); ++i) {
    const auto id = static_cast<BackendId>(i);
    if (pool_.is_member(id)) members.push_back({.id = id, .backend = backends_[i]});
  }
  return members;
}

BackendPool::Status SharedPool::status(BackendId backend, core::TimePoint now) const {
  const std::lock_guard lock(mutex_);
  return pool_.status(backend, now);
}

bool SharedPool::first_without_h2(BackendId backend) {
  const std::lock_guard lock(mutex_);
  const auto place = static_cast<std::size_t>(backend);
  if (without_h2_.size() < backends_.size()) without_h2_.resize(backends_.size());
  return std::exchange(without_h2_[place], backends_[place]) != backends_[place];
}

} // namespace rproxyd
