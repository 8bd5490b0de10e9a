#include "rproxyd/shell/name_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcore/event/loop.h"

namespace rproxyd {

core::Result<std::unique_ptr<NameWatch>> NameWatch::make(
    const Settings& settings, const std::vector<std::shared_ptr<SharedPool>>& pools,
    NameWatch* former, logging::Logger& log) {
  std::unique_ptr<NameWatch> watch(new NameWatch(settings.dns, log));
  for (const auto& shared : pools) {
    Pool& pool = watch->pools_.emplace_back();
    pool.shared = shared;
    pool.settings = settings.pools.at(shared->name());
    for (const Settings::Server& server : pool.settings.servers)
      pool.servers.push_back({.settings = server, .hosts = {}});
  }
  if (former != nullptr) watch->take_over(*former);
  if (watch->has_names()) {
    auto resolver = dns::Resolver::make(settings.dns.servers, kPatience);
    if (!resolver) return std::unexpected(resolver.error());
    watch->resolver_ = std::move(*resolver);
  }
  const core::TimePoint now = event::read_now().steady;
  for (Pool& pool : watch->pools_) watch->look(pool, now);
  return watch;
}

// Of servers that stay. With other name servers their addresses are kept only in case that these don't
// answer.
void NameWatch::take_over(NameWatch& former) {
  const std::lock_guard lock(former.looking_);
  for (Pool& pool : pools_) {
    const auto before = std::ranges::find_if(
        former.pools_, [&](const Pool& each) { return each.shared == pool.shared; });
    if (before == former.pools_.end()) continue;
    for (Server& server : pool.servers) {
      const auto known = std::ranges::find(before->servers, server.settings, &Server::settings);
      if (known == before->servers.end()) continue;
      server = *known;
      if (former.settings_ != settings_) server.next_look = {};
    }
  }
}

void NameWatch::begin() {
  const core::TimePoint now = event::read_now().steady;
  for (const Pool& pool : pools_) {
    pool.shared->configure(pool.settings);
    set(pool, now);
  }
  if (has_names()) thread_ = std::thread([this] { run(); });
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

void NameWatch::look(Pool& pool, core::TimePoint now) {
  for (Server& server : pool.servers) {
    if (server.next_look > now) continue;
    if (const auto ip = core::IpAddress::parse(server.settings.host)) {
      server.hosts = {{.server = server.settings,
                       .address = core::SocketAddress(*ip, server.settings.port),
                       .priority = server.settings.backup ? 1U : 0U}};
      server.next_look = core::TimePoint::max();
      continue;
    }
    auto next = std::chrono::duration_cast<std::chrono::seconds>(settings_.refresh);
    std::chrono::seconds lifetime{0};
    auto answer = found(server.settings, lifetime);
    if (answer) {
      server.hosts = std::move(*answer);
      if (lifetime.count() > 0) next = std::min(next, std::max(lifetime, kSoonest));
    } else {
      next = std::min(next, kAfterFailure);
      if (!server.failed) {
        log_.warning("name.unknown",
                     server.hosts.empty()
                         ? "a server's name can't be resolved: it is not used for now"
                         : "a server's name can't be resolved: its last addresses stay in use",
                     logging::field("pool", pool.shared->name()),
                     logging::field("reason", answer.error().text));
      }
    }
    server.failed = !answer;
    server.next_look = event::read_now().steady + next;
  }
}

void NameWatch::set(const Pool& pool, core::TimePoint now) const {
  std::vector<WantedBackend> all;
  std::vector<std::string> names;
  for (const Server& server : pool.servers) {
    for (const Host& host : server.hosts) {
      WantedBackend& wanted =
          all.emplace_back(pool.shared->wanted(pool.settings, host.server, host.address));
      wanted.priority = host.priority;
      names.push_back(wanted.backend.name);
    }
  }
  if (!pool.shared->set(all, now) || !pool.has_names()) return;
  log_.info("name.resolved", "the pool's servers are", logging::field("pool", pool.shared->name()),
            logging::field("servers", fmt::format("{}", fmt::join(names, " "))));
}

core::Result<std::vector<NameWatch::Host>> NameWatch::found(const Settings::Server& server,
                                                            std::chrono::seconds& lifetime) {
  if (!resolver_) return core::failure("there is no resolver");
  if (server.is_service()) return found_service(*resolver_, server, lifetime);
  auto answer = resolver_->addresses(server.host);
  if (!answer) return std::unexpected(answer.error());
  lifetime = answer->lifetime;
  std::vector<Host> hosts;
  for (const core::IpAddress& ip : answer->list) {
    hosts.push_back({.server = server,
                     .address = core::SocketAddress(ip, server.port),
                     .priority = server.backup ? 1U : 0U});
  }
  return hosts;
}

// RFC 2782: each record is a server of its own; a weight of 0 is as little as there can be.
core::Result<std::vector<NameWatch::Host>> NameWatch::found_service(
    dns::Resolver& resolver, const Settings::Server& server, std::chrono::seconds& lifetime) {
  auto records = resolver.services(server.host);
  if (!records) return std::unexpected(records.error());
  std::vector<Host> hosts;
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
    host.weight = std::clamp<unsigned>(record.weight, 1, BackendPool::kMaxWeight);
    for (const core::IpAddress& ip : answer->list) {
      hosts.push_back({.server = host,
                       .address = core::SocketAddress(ip, record.port),
                       .priority = record.priority});
    }
  }
  if (hosts.empty()) {
    return core::failure(why.empty() ? fmt::format("'{}' names no server", server.host) : why);
  }
  return hosts;
}

void NameWatch::run() {
  std::unique_lock lock(mutex_);
  while (!end_) {
    lock.unlock();
    core::TimePoint next = core::TimePoint::max();
    {
      const std::lock_guard looking(looking_);
      const core::TimePoint now = event::read_now().steady;
      for (Pool& pool : pools_) {
        const auto due = [&] {
          return std::ranges::min(pool.servers, {}, &Server::next_look).next_look;
        };
        if (due() <= now) {
          look(pool, now);
          set(pool, event::read_now().steady);
        }
        next = std::min(next, due());
      }
    }
    lock.lock();
    ended_.wait_until(lock, next, [this] { return end_; });
  }
}

} // namespace rproxyd
