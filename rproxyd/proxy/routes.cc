#include "rproxyd/proxy/routes.h"

#include <algorithm>

#include "rproxyd/proxy/path.h"

namespace rproxyd {
namespace {

bool serves(const Route& route, std::string_view path) {
  if (route.exact) return path == route.path;
  if (!path.starts_with(route.path)) return false;
  return route.path.ends_with('/') || path.size() == route.path.size() ||
         path[route.path.size()] == '/';
}

} // namespace

const Route* RouteTable::find(std::string_view path) const {
  const auto found = std::ranges::find_if(routes_, [&](const Route& r) { return serves(r, path); });
  return found == routes_.end() ? nullptr : &*found;
}

std::expected<const Route*, RouteRefusal> RouteTable::match(std::string_view target) const {
  if (target == "*") {
    const auto pool = std::ranges::find(routes_, Route::Kind::pool, &Route::kind);
    if (pool == routes_.end()) return std::unexpected(RouteRefusal::not_found);
    return &*pool;
  }
  const auto normalised = normalised_path(target);
  if (!normalised) return std::unexpected(RouteRefusal::bad_path);
  const Route* route = find(*normalised);
  // The backend sees the path as it was sent: both readings must lie under the same route.
  if (find(target.substr(0, target.find('?'))) != route)
    return std::unexpected(RouteRefusal::bad_path);
  if (route == nullptr) return std::unexpected(RouteRefusal::not_found);
  return route;
}

} // namespace rproxyd
