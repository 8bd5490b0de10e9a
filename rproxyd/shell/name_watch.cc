#include "rproxyd/shell/name_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcore/event/loop.h"

namespace rproxyd {

core::Result<std::unique_ptr<NameWatch>> NameWatch::begin(
    const Settings::Dns& settings, const std::vector<std::shared_ptr<SharedPool>>& pools,
    logging::Logger& log) {
  std::unique_ptr<NameWatch> watch(new NameWatch(settings, log));
  for (const auto& shared : pools) {
    Pool pool;
    pool.shared = shared;
    pool.servers = servers_of(*shared, shared->settings().servers);
    watch->pools_.push_back(std::move(pool));
  }
  const std::lock_guard lock(watch->looking_);
  if (auto prepared = watch->prepare(); !prepared) return std::unexpected(prepared.error());
  for (Pool& pool : watch->pools_) watch->look(pool);
  return watch;
}

std::vector<NameWatch::Server> NameWatch::servers_of(const SharedPool& pool,
                                                     const std::vector<Settings::Server>& servers) {
  std::vector<Server> list;
  for (const Settings::Server& server : servers) {
    Server& entry = list.emplace_back();
    entry.settings = server;
    if (const auto ip = core::IpAddress::parse(server.host)) {
      entry.backends.push_back(pool.wanted(server, core::SocketAddress(*ip, server.port)));
    }
  }
  return list;
}

core::Result<void> NameWatch::prepare() {
  bool has_names = false;
  for (Pool& pool : pools_) {
    pool.has_names = std::ranges::any_of(pool.servers, [](const Server& server) {
      return !core::IpAddress::parse(server.settings.host);
    });
    has_names = has_names || pool.has_names;
  }
  if (!has_names || resolver_) return {};
  auto resolver = dns::Resolver::make(settings_.servers, kPatience);
  if (!resolver) return std::unexpected(resolver.error());
  resolver_ = std::move(*resolver);
  thread_ = std::thread([this] { run(); });
  return {};
}

void NameWatch::follow(const std::string& name, const std::vector<Settings::Server>& servers) {
  {
    const std::lock_guard lock(looking_);
    const auto pool =
        std::ranges::find_if(pools_, [&](const Pool& each) { return each.shared->name() == name; });
    if (pool == pools_.end()) return;
    // What is known of servers that stay is kept, in case that the look fails.
    std::vector<Server> list = servers_of(*pool->shared, servers);
    for (Server& server : list) {
      for (const Server& former : pool->servers) {
        if (former.settings == server.settings) server = former;
      }
    }
    pool->servers = std::move(list);
    if (auto prepared = prepare(); !prepared) {
      log_.error("name.unknown", prepared.error().text, logging::field("pool", name));
    }
    look(*pool);
  }
  {
    const std::lock_guard lock(mutex_);
    changed_ = true;
  }
  ended_.notify_one();
}

NameWatch::~NameWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void NameWatch::look(Pool& pool) {
  auto next = std::chrono::duration_cast<std::chrono::seconds>(settings_.refresh);
  std::vector<WantedBackend> all;
  for (Server& server : pool.servers) {
    if (!core::IpAddress::parse(server.settings.host)) {
      std::chrono::seconds lifetime{0};
      auto answer = found(*pool.shared, server.settings, lifetime);
      if (answer) {
        server.backends = std::move(*answer);
        if (lifetime.count() > 0) next = std::min(next, std::max(lifetime, kSoonest));
      } else {
        next = std::min(next, kAfterFailure);
        if (!server.failed) {
          log_.warning("name.unknown",
                       server.backends.empty()
                           ? "a server's name can't be resolved: it is not used for now"
                           : "a server's name can't be resolved: its last addresses stay in use",
                       logging::field("pool", pool.shared->name()),
                       logging::field("reason", answer.error().text));
        }
      }
      server.failed = !answer;
    }
    all.insert(all.end(), server.backends.begin(), server.backends.end());
  }
  const core::TimePoint now = event::read_now().steady;
  pool.next_look = now + next;
  if (!pool.shared->set(all, now) || !pool.has_names) return;
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const WantedBackend& each : all) names.push_back(each.backend.name);
  log_.info("name.resolved", "the pool's servers are", logging::field("pool", pool.shared->name()),
            logging::field("servers", fmt::format("{}", fmt::join(names, " "))));
}

core::Result<std::vector<WantedBackend>> NameWatch::found(const SharedPool& pool,
                                                          const Settings::Server& server,
                                                          std::chrono::seconds& lifetime) {
  if (!resolver_) return core::failure("there is no resolver");
  if (server.is_service()) return found_service(*resolver_, pool, server, lifetime);
  auto answer = resolver_->addresses(server.host);
  if (!answer) return std::unexpected(answer.error());
  lifetime = answer->lifetime;
  std::vector<WantedBackend> backends;
  for (const core::IpAddress& ip : answer->list) {
    backends.push_back(pool.wanted(server, core::SocketAddress(ip, server.port)));
  }
  return backends;
}

// RFC 2782: each record is a server of its own; a weight of 0 is as little as there can be.
core::Result<std::vector<WantedBackend>> NameWatch::found_service(dns::Resolver& resolver,
                                                                  const SharedPool& pool,
                                                                  const Settings::Server& server,
                                                                  std::chrono::seconds& lifetime) {
  auto records = resolver.services(server.host);
  if (!records) return std::unexpected(records.error());
  std::vector<WantedBackend> backends;
  std::string why;
  for (const dns::ServiceHost& record : *records) {
    if (record.target.empty() || record.target == "." || record.port == 0) continue; // not offered
    auto answer = resolver.addresses(record.target);
    if (!answer) {
      why = answer.error().text;
      continue;
    }
    if (answer->lifetime.count() > 0) {
      lifetime = lifetime.count() == 0 ? answer->lifetime : std::min(lifetime, answer->lifetime);
    }
    Settings::Server host = server;
    host.host = record.target;
    host.port = record.port;
    host.authority = fmt::format("{}:{}", record.target, record.port);
    for (const core::IpAddress& ip : answer->list) {
      WantedBackend wanted = pool.wanted(host, core::SocketAddress(ip, record.port));
      wanted.weight = std::clamp<unsigned>(record.weight, 1, BackendPool::kMaxWeight);
      wanted.priority = record.priority;
      backends.push_back(std::move(wanted));
    }
  }
  if (backends.empty()) {
    return core::failure(why.empty() ? fmt::format("'{}' names no server", server.host) : why);
  }
  return backends;
}

void NameWatch::run() {
  std::unique_lock lock(mutex_);
  while (!end_) {
    changed_ = false;
    lock.unlock();
    core::TimePoint next = core::TimePoint::max();
    {
      const std::lock_guard looking(looking_);
      const core::TimePoint now = event::read_now().steady;
      for (Pool& pool : pools_) {
        if (!pool.has_names) continue;
        if (pool.next_look <= now) look(pool);
        next = std::min(next, pool.next_look);
      }
    }
    lock.lock();
    ended_.wait_until(lock, next, [this] { return end_ || changed_; });
  }
}

} // namespace rproxyd
