#include "rproxyd/shell/backend_connections.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rproxyd {

namespace {

// Whether servers are to be held to other authorities than before; a new pool's are.
bool trusts_anew(const Generation& next, std::size_t pool, const Generation* former) {
  if (former == nullptr) return true;
  const auto before = std::ranges::find(former->pools, next.pools[pool]);
  if (before == former->pools.end()) return true;
  const auto tls_of = [](const Generation& one, const SharedPool& of) -> const auto& {
    return one.settings.pools.at(of.name()).tls;
  };
  const auto place = static_cast<std::size_t>(before - former->pools.begin());
  return tls_of(next, *next.pools[pool]) != tls_of(*former, *next.pools[pool]) ||
         next.authorities[pool] != former->authorities[place];
}

proxy_protocol::Encoded proxy_header(const Backend& to,
                                     const std::optional<proxy_protocol::Endpoints>& client) {
  switch (to.proxy_header) {
    case Settings::ProxyHeader::none:
      return {};
    case Settings::ProxyHeader::v1:
      return proxy_protocol::encode_v1(client);
    case Settings::ProxyHeader::v2:
      return proxy_protocol::encode_v2(client);
  }
  return {};
}

} // namespace

core::Result<ClientContexts> contexts_for(const Generation& generation, const Generation* former) {
  ClientContexts contexts;
  for (std::size_t i = 0; i < generation.pools.size(); ++i) {
    auto& made = contexts.emplace_back();
    if (!trusts_anew(generation, i, former)) continue;
    const Settings::BackendTls& tls = generation.settings.pools.at(generation.pools[i]->name()).tls;
    auto context =
        tls::ClientContext::make({.verify = tls.verify, .ca_file = tls.ca_file.value_or("")});
    if (!context) return std::unexpected(context.error());
    made = std::move(*context);
  }
  return contexts;
}

void BackendConnections::adopt(const std::shared_ptr<const Generation>& generation,
                               ClientContexts contexts) {
  const bool other_limits = generation_ && generation_->limits != generation->limits;
  generation_ = generation;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (!contexts[i]) continue;
    Places& places = places_of(generation->pools[i]);
    places.tls = std::move(contexts[i]);
    ++places.trust;
    forget(places);
  }
  for (auto& [pool, places] : places_) {
    if (other_limits || !serves(pool)) forget(places);
  }
  std::erase_if(places_, [](const auto& each) { return each.second.pool.expired(); });
}

// Exchanges of generations before may still use other pools.
bool BackendConnections::serves(const SharedPool* pool) const {
  return std::ranges::any_of(generation_->pools,
                             [&](const auto& each) { return each.get() == pool; });
}

LinkRequest* BackendConnections::connect(const std::shared_ptr<SharedPool>& pool, BackendId backend,
                                         LinkNeed need, LinkUser& user,
                                         event::ConnectFailure& why) {
  Place& place = place_of(pool, backend);
  const bool told = place.backend->proxy_header != Settings::ProxyHeader::none;
  const BackendHome home{.pool = pool,
                         .backend = backend,
                         .leads_to = place.backend,
                         .client = told ? need.client : std::nullopt,
                         .trust = places_of(pool).trust};
  if (speaks_h2(place, need)) return connect_shared(place, home, need, user, why);
  if (BackendConnection* kept = need.fresh ? nullptr : take_kept(place, home)) {
    kept->serve(user);
    return kept;
  }
  return connect_alone(place, home, user, why);
}

BackendConnection* BackendConnections::take_kept(Place& place, const BackendHome& home) {
  for (std::size_t i = place.kept.size(); i-- > 0;) {
    BackendConnection* connection = place.kept[i];
    if (connection->home.client != home.client) continue;
    place.kept.erase(place.kept.begin() + static_cast<std::ptrdiff_t>(i));
    return connection;
  }
  return nullptr;
}

bool BackendConnections::speaks_h2(const Place& place, LinkNeed need) const {
  if (!place.backend->h2) return false;
  const core::TimePoint now = loop_.now().steady;
  return now >= place.http_1_until && (!need.tunnel || now >= place.no_tunnels_until);
}

LinkRequest* BackendConnections::connect_alone(Place& place, const BackendHome& home,
                                               LinkUser& user, event::ConnectFailure& why) {
  const Backend& to = *place.backend;
  auto fd = event::connect_tcp(to.address);
  if (!fd) {
    why = fd.error();
    return nullptr;
  }
  auto connection = std::make_unique<BackendConnection>(loop_, *this, generation_->limits);
  connection->home = home;
  bssl::UniquePtr<SSL> ssl;
  if (to.tls) ssl = places_of(home.pool).tls->connect(to.name, to.server_name);
  const auto header = proxy_header(to, home.client);
  if (!connection->connect(buffers_, std::move(*fd), std::move(ssl), header.bytes(), user)) {
    why = {.text = "the connection could not be set up", .shortage = true};
    return nullptr;
  }
  BackendConnection* raw = connection.get();
  all_.emplace(raw, std::move(connection));
  return raw;
}

LinkRequest* BackendConnections::connect_shared(Place& place, const BackendHome& home,
                                                LinkNeed need, LinkUser& user,
                                                event::ConnectFailure& why) {
  static constexpr std::array<std::string_view, 2> kOffered = {"h2", "http/1.1"};
  if (!need.fresh) {
    for (H2BackendConnection* connection : place.shared) {
      if (connection->room() > 0) return &connection->serve(user, need.tunnel);
    }
  }
  if (place.shared.size() >= kMaxSharedPerBackend) {
    why = {.text = "all connections to the node are full", .shortage = true};
    return nullptr;
  }
  const Backend& to = *place.backend;
  auto fd = event::connect_tcp(to.address);
  if (!fd) {
    why = fd.error();
    return nullptr;
  }
  auto connection = std::make_unique<H2BackendConnection>(loop_, *this, generation_->limits);
  connection->home = home;
  bssl::UniquePtr<SSL> ssl;
  if (to.tls) ssl = places_of(home.pool).tls->connect(to.name, to.server_name, kOffered);
  if (!connection->connect(buffers_, std::move(*fd), std::move(ssl))) {
    why = {.text = "the connection could not be set up", .shortage = true};
    return nullptr;
  }
  H2BackendConnection* raw = connection.get();
  place.shared.push_back(raw);
  all_shared_.emplace(raw, std::move(connection));
  return &raw->serve(user, need.tunnel);
}

// Where the backend is now. Connections that were kept for another, which had this place before, are
// closed.
BackendConnections::Place& BackendConnections::place_of(const std::shared_ptr<SharedPool>& pool,
                                                        BackendId backend) {
  auto& places = places_of(pool).list;
  const auto index = static_cast<std::size_t>(backend);
  if (index >= places.size()) places.resize(index + 1);
  Place& place = places[index];
  auto current = pool->backend(backend);
  if (place.backend != current) {
    forget(place);
    place.backend = std::move(current);
  }
  return place;
}

// No other pool is met under this one's address while its weak_ptr is here.
BackendConnections::Places& BackendConnections::places_of(const std::shared_ptr<SharedPool>& pool) {
  Places& places = places_[pool.get()];
  if (places.pool.expired()) places.pool = pool;
  return places;
}

void BackendConnections::forget(Places& places) {
  for (Place& place : places.list) forget(place);
}

// A connection of the home's is good for what is asked there now.
bool BackendConnections::is_current(const BackendHome& home) {
  return serves(home.pool.get()) && places_of(home.pool).trust == home.trust &&
         place_of(home.pool, home.backend).backend == home.leads_to;
}

void BackendConnections::forget(Place& place) {
  while (!place.kept.empty()) place.kept.back()->detach_and_close();
  for (H2BackendConnection* connection : std::exchange(place.shared, {})) connection->wind_down();
  place.http_1_until = place.no_tunnels_until = {};
}

void BackendConnections::keep(BackendConnection& connection) {
  const auto& home = connection.home;
  Place& place = place_of(home.pool, home.backend);
  if (!is_current(home)) return connection.detach_and_close();
  // Those that have served lately are the likeliest to serve again.
  if (place.kept.size() >= kMaxKeptPerBackend) place.kept.front()->detach_and_close();
  place.kept.push_back(&connection);
  connection.rest(generation_->settings.timeouts.backend_idle);
}

void BackendConnections::discard(BackendConnection& connection) {
  auto& places = places_of(connection.home.pool).list;
  std::erase(places[static_cast<std::size_t>(connection.home.backend)].kept, &connection);
  const auto found = all_.find(&connection);
  loop_.retire(std::move(found->second));
  all_.erase(found);
}

void BackendConnections::close_kept() {
  for (auto& [pool, places] : places_) {
    for (Place& place : places.list) {
      while (!place.kept.empty()) place.kept.back()->detach_and_close();
    }
  }
  while (!all_shared_.empty()) all_shared_.begin()->first->close();
}

std::vector<WorkerFigures::Kept> BackendConnections::kept() const {
  std::vector<WorkerFigures::Kept> all;
  for (const auto& [address, places] : places_) {
    const auto pool = places.pool.lock();
    if (!pool) continue;
    for (const Place& place : places.list) {
      if (!place.backend || (place.kept.empty() && place.shared.empty())) continue;
      all.push_back({.pool = pool->name(),
                     .backend = place.backend->name,
                     .idle = place.kept.size(),
                     .shared = place.shared.size()});
    }
  }
  return all;
}

// ---- shared connections

// One that serves nobody is kept, unless another has room for the next exchange.
void BackendConnections::idle(H2BackendConnection& connection) {
  Place& place = place_of(connection.home.pool, connection.home.backend);
  const auto has_room = [&](const H2BackendConnection* other) {
    return other != &connection && other->room() > 0;
  };
  if (!is_current(connection.home) || std::ranges::any_of(place.shared, has_room)) {
    return connection.wind_down();
  }
  connection.rest(generation_->settings.timeouts.backend_idle);
}

void BackendConnections::discard(H2BackendConnection& connection) {
  auto& places = places_of(connection.home.pool).list;
  std::erase(places[static_cast<std::size_t>(connection.home.backend)].shared, &connection);
  const auto found = all_shared_.find(&connection);
  if (found == all_shared_.end()) return;
  loop_.retire(std::move(found->second));
  all_shared_.erase(found);
}

void BackendConnections::speaks_http_1(H2BackendConnection& connection,
                                       std::unique_ptr<event::Stream> stream) {
  Place& place = place_of(connection.home.pool, connection.home.backend);
  if (place.backend == connection.home.leads_to) {
    place.http_1_until = loop_.now().steady + kVersionMemory;
    if (connection.home.pool->first_without_h2(connection.home.backend)) {
      log_.warning("backend.no_http2", "the node does not offer HTTP/2: it is asked in HTTP/1.1",
                   logging::field("node", place.backend->name));
    }
  }
  auto alone = std::make_unique<BackendConnection>(loop_, *this, generation_->limits);
  alone->home = connection.home;
  alone->adopt(std::move(stream));
  BackendConnection* raw = alone.get();
  all_.emplace(raw, std::move(alone));
  discard(connection);
  keep(*raw);
}

void BackendConnections::has_no_tunnels(H2BackendConnection& connection) {
  Place& place = place_of(connection.home.pool, connection.home.backend);
  if (place.backend == connection.home.leads_to)
    place.no_tunnels_until = loop_.now().steady + kVersionMemory;
}

} // namespace rproxyd
