#include "rproxyd/shell/name_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcore/event/loop.h"

namespace rproxyd {

core::Result<std::unique_ptr<NameWatch>> NameWatch::begin(
    const Settings::Dns& settings, const std::vector<std::unique_ptr<SharedPool>>& pools,
    logging::Logger& log) {
  std::unique_ptr<NameWatch> watch(new NameWatch(settings, log));
  bool has_names = false;
  for (const auto& shared : pools) {
    Pool pool;
    pool.shared = shared.get();
    for (const Settings::Server& server : shared->settings().servers) {
      Server entry;
      entry.settings = &server;
      if (const auto ip = core::IpAddress::parse(server.host)) {
        entry.backends.push_back(shared->wanted(server, core::SocketAddress(*ip, server.port)));
      } else {
        pool.has_names = has_names = true;
      }
      pool.servers.push_back(std::move(entry));
    }
    watch->pools_.push_back(std::move(pool));
  }
  if (has_names) {
    auto resolver = dns::Resolver::make(settings.servers, kPatience);
    if (!resolver) return std::unexpected(resolver.error());
    watch->resolver_ = std::move(*resolver);
  }
  for (Pool& pool : watch->pools_) watch->look(pool);
  if (has_names) watch->thread_ = std::thread([raw = watch.get()] { raw->run(); });
  return watch;
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
    if (!core::IpAddress::parse(server.settings->host)) {
      std::chrono::seconds lifetime{0};
      auto answer = found(*pool.shared, *server.settings, lifetime);
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
  for (const WantedBackend& each : all) names.push_back(each.backend.name);
  log_.info("name.resolved", "the pool's servers are", logging::field("pool", pool.shared->name()),
            logging::field("servers", fmt::format("{}", fmt::join(names, " "))));
}

core::Result<std::vector<WantedBackend>> NameWatch::found(const SharedPool& pool,
                                                          const Settings::Server& server,
                                                          std::chrono::seconds& lifetime) {
  if (server.is_service()) return found_service(pool, server, lifetime);
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
core::Result<std::vector<WantedBackend>> NameWatch::found_service(const SharedPool& pool,
                                                                  const Settings::Server& server,
                                                                  std::chrono::seconds& lifetime) {
  auto records = resolver_->services(server.host);
  if (!records) return std::unexpected(records.error());
  std::vector<WantedBackend> backends;
  std::string why;
  for (const dns::ServiceHost& record : *records) {
    if (record.target.empty() || record.target == "." || record.port == 0) continue; // not offered
    auto answer = resolver_->addresses(record.target);
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
    core::TimePoint next = core::TimePoint::max();
    for (const Pool& pool : pools_) {
      if (pool.has_names) next = std::min(next, pool.next_look);
    }
    if (ended_.wait_until(lock, next, [this] { return end_; })) return;
    lock.unlock();
    const core::TimePoint now = event::read_now().steady;
    for (Pool& pool : pools_) {
      if (pool.has_names && pool.next_look <= now) look(pool);
    }
    lock.lock();
  }
}

} // namespace rproxyd
