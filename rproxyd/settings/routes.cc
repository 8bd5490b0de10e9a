#include "rproxyd/settings/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "libcore/config/parsers.h"
#include "libcore/config/suggest.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;

std::optional<Settings::Route> read_route(const Value& value);
bool covers(const Settings::Route& earlier, const Settings::Route& later);

} // namespace

void read_routes(ObjectReader& root, bool required,
                 const std::map<std::string, Settings::Pool>& pools,
                 std::vector<Settings::Route>& routes) {
  const auto list = root.find("routes");
  if (!list || (list->node().kind == config::Node::Kind::array && list->node().elements.empty())) {
    if (required) {
      root.value().error("no \"routes\": every request would be answered 404",
                         R"([ { "path": "/", "pool": "…" } ])");
    }
    return;
  }
  if (!root.read("routes", routes, config::list_of(read_route, kMaxRoutes))) return;

  std::vector<std::string_view> names;
  names.reserve(pools.size());
  for (const auto& [name, pool] : pools) names.push_back(name);
  std::set<std::string_view> used;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto element = list->element(i);
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (!covers(routes[earlier], routes[i])) continue;
      element.warning(fmt::format("is never reached: route {} serves all of it", earlier));
      break;
    }
    const auto* to_pool = std::get_if<Settings::ToPool>(&routes[i].target);
    if (!to_pool) continue;
    used.insert(to_pool->pool);
    if (pools.contains(to_pool->pool)) continue;
    const auto named = ObjectReader(element).place_of("pool");
    if (const auto meant = config::nearest(to_pool->pool, names)) {
      named.refuse(fmt::format("is not a pool (did you mean \"{}\"?)", *meant), "");
    } else if (names.empty()) {
      named.refuse("is not a pool", "a name out of \"pools\", which has none");
    } else {
      named.refuse("is not a pool", fmt::format("one of \"{}\"", fmt::join(names, "\", \"")));
    }
  }
  if (const auto map = root.find("pools")) {
    for (const auto& member : map->node().members) {
      if (pools.contains(member.key.text) && !used.contains(member.key.text)) {
        map->key(member).warning("no route uses this pool");
      }
    }
  }
}

namespace {

std::optional<std::string> route_path(const Value& value) {
  auto path = config::text_up_to(value, config::kMaxTextBytes);
  if (!path) return std::nullopt;
  if (!path->starts_with('/')) {
    value.refuse("is not a path of a URL", "\"/…\"");
    return std::nullopt;
  }
  // Requests are matched in their normalised form: no route with these would ever match.
  const auto ended = *path + '/';
  for (const std::string_view never : {"//", "/./", "/../", "?", "#", "\\", ";"}) {
    if (!ended.contains(never) || (never == "//" && !path->contains(never))) continue;
    value.refuse(fmt::format("would never match a request, with {} in it",
                             never == "/./"    ? "\".\""
                             : never == "/../" ? "\"..\""
                                               : fmt::format("\"{}\"", never)),
                 "a plain path");
    return std::nullopt;
  }
  return path;
}

std::optional<std::string> redirect_location(const Value& value) {
  auto location = config::text_up_to(value, config::kMaxTextBytes);
  if (!location) return std::nullopt;
  const auto graphic = [](char c) { return c > ' ' && c <= '~'; };
  const bool from_root = location->starts_with('/') && !location->starts_with("//");
  const bool whole = location->starts_with("https://") || location->starts_with("http://");
  if (!(from_root || whole) || !std::ranges::all_of(*location, graphic)) {
    value.refuse("is not a place to redirect to",
                 "a path from the root, such as \"/webapp/\", or \"https://…\"");
    return std::nullopt;
  }
  return location;
}

// Exactly one of "pool", "static" and "redirect".
bool has_one_target(const ObjectReader& object) {
  constexpr std::array<std::string_view, 3> kTargets{"pool", "static", "redirect"};
  const auto given =
      std::ranges::count_if(kTargets, [&](std::string_view key) { return object.has(key); });
  if (given == 1) return true;
  object.value().error(given == 0 ? "the route leads nowhere" : "the route leads to several places",
                       "one of \"pool\", \"static\" and \"redirect\"");
  return false;
}

std::optional<Settings::Route> read_route(const Value& value) {
  Settings::Route route;
  ObjectReader object(value);
  bool complete = object.require("path", route.path, route_path);
  object.read("exact", route.exact, config::boolean);

  Settings::ToPool to_pool;
  Settings::Redirect redirect;
  Settings::StaticFolder folder;
  const bool has_pool = object.read("pool", to_pool.pool, config::text());
  const bool has_redirect = object.read("redirect", redirect.location, redirect_location);
  const bool has_folder = object.read("static", folder.folder, config::path);
  object.read("websocket", to_pool.websocket, config::boolean);
  object.finish();
  if (!object.is_object()) return std::nullopt;
  complete = has_one_target(object) && complete;

  if (has_pool) {
    route.target = to_pool;
  } else if (has_redirect) {
    route.target = redirect;
  } else if (has_folder) {
    route.target = folder;
  } else {
    complete = false;
  }
  if (to_pool.websocket && !object.has("pool")) {
    object.place_of("websocket").error("a route without a pool has no WebSocket");
  }
  if (!complete) return std::nullopt;
  return route;
}

bool covers(const Settings::Route& earlier, const Settings::Route& later) {
  if (earlier.exact) return later.exact && earlier.path == later.path;
  if (!later.path.starts_with(earlier.path)) return false;
  return earlier.path.ends_with('/') || later.path.size() == earlier.path.size() ||
         later.path[earlier.path.size()] == '/';
}

} // namespace
} // namespace rproxyd
