#include "rproxyd/shell/backend_connections.h"

#include <algorithm>

namespace rproxyd {

core::Result<std::unique_ptr<BackendConnections>> BackendConnections::make(
    event::Loop& loop, event::StreamBuffers& buffers, const Service& service) {
  std::unique_ptr<BackendConnections> self(new BackendConnections(loop, buffers, service));
  for (std::size_t pool = 0; pool < service.pools.size(); ++pool) {
    const Settings::BackendTls& tls = service.pools[pool]->settings().tls;
    auto context =
        tls::ClientContext::make({.verify = tls.verify, .ca_file = tls.ca_file.value_or("")});
    if (!context) return std::unexpected(context.error());
    self->tls_.push_back(std::move(*context));
  }
  self->places_.resize(service.pools.size());
  return self;
}

BackendConnection* BackendConnections::connect(std::size_t pool, BackendId backend, bool fresh,
                                               LinkUser& user, event::ConnectFailure& why) {
  Place& place = place_of(pool, backend);
  if (!fresh && !place.kept.empty()) {
    BackendConnection* connection = place.kept.back();
    place.kept.pop_back();
    connection->serve(user);
    return connection;
  }

  const Backend& to = *place.backend;
  auto fd = event::connect_tcp(to.address);
  if (!fd) {
    why = fd.error();
    return nullptr;
  }
  auto connection = std::make_unique<BackendConnection>(loop_, *this, service_.limits);
  connection->home = {.pool = pool, .backend = backend, .leads_to = place.backend};
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

// Where the backend is now. Connections that were kept for another, which had this place before, are
// closed.
BackendConnections::Place& BackendConnections::place_of(std::size_t pool, BackendId backend) {
  auto& places = places_[pool];
  const auto index = static_cast<std::size_t>(backend);
  if (index >= places.size()) places.resize(index + 1);
  Place& place = places[index];
  auto current = service_.pools[pool]->backend(backend);
  if (place.backend != current) {
    while (!place.kept.empty()) place.kept.back()->detach_and_close();
    place.backend = std::move(current);
  }
  return place;
}

void BackendConnections::keep(BackendConnection& connection) {
  const auto& home = connection.home;
  Place& place = place_of(home.pool, home.backend);
  if (place.backend != home.leads_to || place.kept.size() >= kMaxKeptPerBackend) {
    return connection.detach_and_close();
  }
  place.kept.push_back(&connection);
  connection.rest(service_.settings->timeouts.backend_idle);
}

void BackendConnections::discard(BackendConnection& connection) {
  auto& places = places_[connection.home.pool];
  std::erase(places[static_cast<std::size_t>(connection.home.backend)].kept, &connection);
  const auto found = all_.find(&connection);
  loop_.retire(std::move(found->second));
  all_.erase(found);
}

void BackendConnections::close_kept() {
  for (auto& places : places_) {
    for (Place& place : places) {
      while (!place.kept.empty()) place.kept.back()->detach_and_close();
    }
  }
}

} // namespace rproxyd
