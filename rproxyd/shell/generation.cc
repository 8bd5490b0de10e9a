#include "rproxyd/shell/generation.h"

#include <algorithm>
#include <utility>

#include "libcore/config/surroundings.h"
#include "rproxyd/proxy/acme_challenge.h"
#include "rproxyd/shell/answers.h"
#include "rproxyd/shell/listener_tls.h"
#include "rproxyd/shell/log_files.h"
#include "rproxyd/shell/routes.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {
namespace {

constexpr std::size_t kMaxAuthorityBytes = std::size_t{8} * 1024 * 1024;

RetryPolicy retry_of(const Settings::Retry& from) {
  return {.on_connect = from.on_connect,
          .on_timeout = from.on_timeout,
          .on_status = from.on_status,
          .attempts = from.attempts,
          .non_idempotent = from.non_idempotent};
}

// The port that browsers are sent to from plain HTTP: 443 where anything listens there.
std::uint16_t https_port_of(const Settings& settings) {
  std::uint16_t port = 0;
  for (const Settings::Listener& listener : settings.listeners) {
    if (listener.tls && (port == 0 || listener.address.port() == 443))
      port = listener.address.port();
  }
  return port == 0 ? 443 : port;
}

UnderscoreNames underscore_names_of(Settings::UnderscoreHeaders from) {
  switch (from) {
    case Settings::UnderscoreHeaders::drop:
      return UnderscoreNames::drop;
    case Settings::UnderscoreHeaders::keep:
      return UnderscoreNames::keep;
    case Settings::UnderscoreHeaders::refuse:
      return UnderscoreNames::refuse;
  }
  return UnderscoreNames::drop;
}

MessageLimits limits_of(const Settings& settings) {
  const Settings::Limits& from = settings.limits;
  MessageLimits limits;
  limits.header_bytes =
      static_cast<std::size_t>(std::min(from.header_bytes, Settings::kMaxHeaderBytes));
  limits.header_count =
      static_cast<std::size_t>(std::min(from.header_count, Settings::kMaxHeaderCount));
  limits.body_bytes = from.body_bytes == config::kNoLimit ? 0 : from.body_bytes;
  limits.streams =
      static_cast<std::uint32_t>(std::min(from.streams_per_connection, Settings::kMaxStreams));
  limits.underscore_names = underscore_names_of(settings.underscore_headers);
  return limits;
}

// What all listeners have in common. It refers to the generation.
ExchangeRules exchange_rules(const Generation& generation) {
  const Settings& settings = generation.settings;
  ExchangeRules rules;
  for (const auto& [name, pool] : settings.pools) {
    rules.retry.push_back(retry_of(pool.retry));
    rules.cookies.push_back(pool.affinity == Settings::Affinity::cookie);
  }
  rules.routes = &generation.routes;
  rules.answers = &generation.answers;
  if (settings.compression.enabled) rules.compression = &generation.compression;
  rules.forwarded = settings.forwarded;
  rules.request_id = settings.request_id.value_or("");
  rules.timeouts = {.body = settings.timeouts.body,
                    .connect = settings.timeouts.connect,
                    .response = settings.timeouts.response,
                    .stream_idle = settings.timeouts.stream_idle};
  const auto rate = [](std::uint64_t from) { return from == config::kNoLimit ? 0 : from; };
  rules.rates = {.upload = rate(settings.limits.least_upload_rate),
                 .download = rate(settings.limits.least_download_rate)};
  rules.https_port = https_port_of(settings);
  return rules;
}

void take_pools(Generation& next, const Service& service, const Generation* former) {
  for (const auto& [name, pool] : next.settings.pools) {
    std::shared_ptr<SharedPool> shared;
    for (std::size_t i = 0; former != nullptr && i < former->pools.size(); ++i) {
      if (former->pools[i]->name() == name) shared = former->pools[i];
    }
    if (!shared) {
      const auto salt = service.key_salts.find(name);
      shared = salt == service.key_salts.end()
                   ? std::make_shared<SharedPool>(name, pool)
                   : std::make_shared<SharedPool>(name, pool, salt->second);
    }
    next.pools.push_back(std::move(shared));
  }
}

// To notice that a file has others now.
core::Result<void> read_authorities(Generation& next) {
  for (const auto& [name, pool] : next.settings.pools) {
    std::string& text = next.authorities.emplace_back();
    if (!pool.tls.verify || !pool.tls.ca_file) continue;
    auto file = config::SystemSurroundings().read_file(*pool.tls.ca_file, kMaxAuthorityBytes);
    if (!file) return core::failure(*pool.tls.ca_file + ": " + file.error().text);
    text = std::move(file->text);
  }
  return {};
}

// Which listener of `former` each of `wanted` is: the one with the same address. Several may have one
// address, with a port of the kernel's choice; then rather the one that is all the same.
std::vector<const ListenerRules*> matched(const std::vector<Settings::Listener>& wanted,
                                          const Generation* former) {
  std::vector<const ListenerRules*> matches(wanted.size());
  if (former == nullptr) return matches;
  const auto match = [&](const auto& same) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      for (const ListenerRules& each : former->listeners) {
        if (matches[i] != nullptr) break;
        if (std::ranges::find(matches, &each) == matches.end() && same(wanted[i], each.settings))
          matches[i] = &each;
      }
    }
  };
  match([](const Settings::Listener& a, const Settings::Listener& b) { return a == b; });
  match([](const Settings::Listener& a, const Settings::Listener& b) {
    return a.address == b.address;
  });
  return matches;
}

core::Result<void> take_listeners(Generation& next, Service& service, const Generation* former) {
  next.listeners_so_far = former == nullptr ? 0 : former->listeners_so_far;
  const auto matches = matched(next.settings.listeners, former);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    ListenerRules& rules = next.listeners.emplace_back();
    rules.id = matches[i] != nullptr ? matches[i]->id : ListenerId{++next.listeners_so_far};
    rules.settings = next.settings.listeners[i];
    if (rules.settings.acme_challenges)
      rules.challenges = challenge_routes(*rules.settings.acme_challenges);
    if (!rules.settings.tls) continue;
    if (rules.settings.tls->certificates.empty()) {
      if (matches[i] != nullptr) rules.own = matches[i]->own;
      if (!rules.own) {
        auto own = make_own_certificate(rules.settings, *service.log);
        if (!own) return std::unexpected(own.error());
        rules.own = *std::move(own);
      }
    }
    auto tls = tls_of(rules.settings, rules.own.get(), service.tickets);
    if (!tls) return std::unexpected(tls.error());
    rules.tls = *std::move(tls);
  }
  return {};
}

core::Result<void> take_access_log(Generation& next, Service& service, const Generation* former) {
  const auto& path = next.settings.log.access;
  if (!path) return {};
  if (former != nullptr && former->settings.log.access == path) {
    next.access_log = former->access_log;
    return {};
  }
  auto opened = open_log(*path, *service.log);
  if (!opened) return std::unexpected(opened.error());
  next.access_log = *std::move(opened);
  return {};
}

} // namespace

core::Result<std::shared_ptr<const Generation>> Generation::make(const Settings& settings,
                                                                 Service& service,
                                                                 std::shared_ptr<SharedGuard> guard,
                                                                 const Generation* former) {
  auto next = std::make_shared<Generation>();
  next->settings = settings;
  take_pools(*next, service, former);
  if (auto read = read_authorities(*next); !read) return std::unexpected(read.error());
  next->guard = std::move(guard);
  next->token_paths = TokenPaths(settings.pin_guard.paths);
  if (auto taken = take_access_log(*next, service, former); !taken)
    return std::unexpected(taken.error());

  std::vector<std::string> pool_names;
  pool_names.reserve(settings.pools.size());
  for (const auto& [name, pool] : settings.pools) pool_names.push_back(name);
  next->routes = route_table(settings, pool_names);
  auto answers = answer_rules(settings);
  if (!answers) return std::unexpected(answers.error());
  next->answers = *std::move(answers);
  next->compression = compression_rules(settings.compression);
  next->compression.at_work = &service.compressors;
  next->limits = limits_of(settings);
  next->limits.content_security_policy = next->answers.content_security_policy;

  if (auto taken = take_listeners(*next, service, former); !taken)
    return std::unexpected(taken.error());
  const ExchangeRules common = exchange_rules(*next);
  for (ListenerRules& listener : next->listeners) { // they stay where they are now
    listener.exchange = common;
    listener.exchange.redirect_https = listener.settings.redirect_https;
    if (!listener.challenges.empty()) listener.exchange.challenges = &listener.challenges;
  }
  return next;
}

const ListenerRules* Generation::listener(ListenerId id) const {
  const auto found = std::ranges::find(listeners, id, &ListenerRules::id);
  return found == listeners.end() ? nullptr : &*found;
}

} // namespace rproxyd
