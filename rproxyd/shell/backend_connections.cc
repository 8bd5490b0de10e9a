#include "rproxyd/shell/backend_connections.h"

#include <algorithm>

namespace rproxyd {

core::Result<std::unique_ptr<BackendConnections>> BackendConnections::make(
    event::Loop& loop, event::StreamBuffers& buffers, const Service& service) {
  std::unique_ptr<BackendConnections> self(new BackendConnections(loop, buffers, service));
  for (std::size_t pool = 0; pool < service.pools.size(); ++pool) {
    const SharedPool& shared = *service.pools[pool];
    auto context = tls::ClientContext::make(
        {.verify = shared.tls().verify, .ca_file = shared.tls().ca_file.value_or("")});
    if (!context) return std::unexpected(context.error());
    self->tls_.push_back(std::move(*context));
    self->first_.push_back(self->backends_.size());
    for (std::size_t i = 0; i < shared.size(); ++i) {
      self->backends_.push_back({.pool = pool, .id = static_cast<BackendId>(i), .kept = {}});
    }
  }
  return self;
}

BackendConnection* BackendConnections::connect(std::size_t pool, BackendId backend, bool fresh,
                                               LinkUser& user, event::ConnectFailure& why) {
  const std::size_t place = first_[pool] + static_cast<std::size_t>(backend);
  auto& kept = backends_[place].kept;
  if (!fresh && !kept.empty()) {
    BackendConnection* connection = kept.back();
    kept.pop_back();
    connection->serve(user);
    return connection;
  }

  const BackendAddress& to = service_.pools[pool]->address(backend);
  auto fd = event::connect_tcp(to.address);
  if (!fd) {
    why = fd.error();
    return nullptr;
  }
  auto connection = std::make_unique<BackendConnection>(loop_, *this, service_.limits);
  connection->home = place;
  bssl::UniquePtr<SSL> ssl;
  if (to.tls) ssl = tls_[pool]->connect(to.name, to.server_name);
  if (!connection->connect(buffers_, std::move(*fd), std::move(ssl), user)) {
    why = {.text = "the connection could not be set up", .shortage = true};
    return nullptr;
  }
  BackendConnection* raw = connection.get();
  all_.emplace(raw, std::move(connection));
  return raw;
}

void BackendConnections::keep(BackendConnection& connection) {
  auto& kept = backends_[connection.home].kept;
  if (kept.size() >= kMaxKeptPerBackend) return connection.detach_and_close();
  kept.push_back(&connection);
  connection.rest(service_.settings->timeouts.backend_idle);
}

void BackendConnections::discard(BackendConnection& connection) {
  std::erase(backends_[connection.home].kept, &connection);
  const auto found = all_.find(&connection);
  loop_.retire(std::move(found->second));
  all_.erase(found);
}

void BackendConnections::close_kept() {
  for (Backend& backend : backends_) {
    while (!backend.kept.empty()) backend.kept.back()->detach_and_close();
  }
}

} // namespace rproxyd
