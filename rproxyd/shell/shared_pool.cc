#include "rproxyd/shell/shared_pool.h"

#include <fmt/format.h>
#include <netdb.h>

#include <memory>

namespace rproxyd {
namespace {

core::Result<core::SocketAddress> resolve(const std::string& pool, const Settings::Server& server) {
  if (const auto ip = core::IpAddress::parse(server.host))
    return core::SocketAddress(*ip, server.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(server.host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &freeaddrinfo);
  if (error != 0) {
    return core::failure(
        fmt::format("pool {}: '{}' can't be resolved: {}", pool, server.host, gai_strerror(error)));
  }
  const auto address = core::SocketAddress::from_kernel(found->ai_addr, found->ai_addrlen);
  if (!address)
    return core::failure(fmt::format("pool {}: '{}' has no IP address", pool, server.host));
  return address->with_port(server.port);
}

BackendPool::Policy policy_of(Settings::Policy policy) {
  switch (policy) {
    case Settings::Policy::round_robin:
      return BackendPool::Policy::round_robin;
    case Settings::Policy::least_connections:
      return BackendPool::Policy::least_connections;
    case Settings::Policy::client_hash:
      return BackendPool::Policy::client_hash;
  }
  return BackendPool::Policy::round_robin;
}

} // namespace

core::Result<std::unique_ptr<SharedPool>> SharedPool::make(const std::string& name,
                                                           const Settings::Pool& settings) {
  std::vector<BackendAddress> addresses;
  for (const Settings::Server& server : settings.servers) {
    const auto address = resolve(name, server);
    if (!address) return std::unexpected(address.error());
    addresses.push_back({.name = server.host.find(':') == std::string::npos
                                     ? fmt::format("{}:{}", server.host, server.port)
                                     : fmt::format("[{}]:{}", server.host, server.port),
                         .address = *address,
                         .tls = server.scheme == Settings::Scheme::https,
                         .server_name = settings.tls.server_name.value_or(server.host)});
  }
  return std::unique_ptr<SharedPool>(new SharedPool(std::move(addresses), settings));
}

SharedPool::SharedPool(std::vector<BackendAddress> addresses, const Settings::Pool& settings)
    : addresses_(std::move(addresses)),
      tls_(settings.tls),
      pool_(addresses_.size(), policy_of(settings.policy),
            settings.affinity == Settings::Affinity::none ? BackendPool::Affinity::none
                                                          : BackendPool::Affinity::client_address) {
}

std::optional<BackendId> SharedPool::choose(const core::IpAddress& client,
                                            std::span<const BackendId> tried, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  return pool_.choose(client, tried, now);
}

bool SharedPool::unreachable(BackendId backend, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  const bool news = !pool_.status(backend, now).in_back_off;
  pool_.unreachable(backend, now);
  return news;
}

bool SharedPool::reachable(BackendId backend, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  const bool news = pool_.status(backend, now).in_back_off;
  pool_.reachable(backend);
  return news;
}

void SharedPool::exchange_begun(BackendId backend) {
  const std::lock_guard lock(mutex_);
  pool_.exchange_begun(backend);
}

void SharedPool::exchange_ended(BackendId backend) {
  const std::lock_guard lock(mutex_);
  pool_.exchange_ended(backend);
}

} // namespace rproxyd
