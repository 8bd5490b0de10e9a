#include "rproxyd/settings/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/config/parsers.h"
#include "libcore/config/suggest.h"
#include "rproxyd/settings/read.h"
#include "rproxyd/settings/route_target.h"
#include "rproxyd/settings/server_url.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;

std::optional<Settings::Route> read_route(const Value& value);
std::optional<std::string> route_path(const Value& value);
std::optional<std::string> host_pattern(const Value& value);
std::optional<std::string> method_name(const Value& value);
bool covers(const Settings::Route& earlier, const Settings::Route& later);

const std::string* pool_of(const Settings::Route& route) {
  if (const auto* to_pool = std::get_if<Settings::ToPool>(&route.target)) return &to_pool->pool;
  const auto* ice_servers = std::get_if<Settings::IceServers>(&route.target);
  return ice_servers == nullptr ? nullptr : &ice_servers->pool;
}

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
    const std::string* pool = pool_of(routes[i]);
    if (pool == nullptr) continue;
    used.insert(*pool);
    if (pools.contains(*pool)) continue;
    ObjectReader route(element);
    const auto within = route.find("ice_servers");
    const auto named = within ? ObjectReader(*within).place_of("pool") : route.place_of("pool");
    if (const auto meant = config::nearest(*pool, names)) {
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

bool is_graphic(char c) { return c > ' ' && c <= '~'; }

std::optional<Settings::Route> read_route(const Value& value) {
  Settings::Route route;
  ObjectReader object(value);
  bool complete = object.require("path", route.path, route_path);
  object.read("exact", route.exact, config::boolean);
  object.read("hosts", route.hosts,
              config::list_of(config::named("host name", host_pattern), kMaxHosts));
  object.read("methods", route.methods,
              config::list_of(config::named("method", method_name), kMaxMethods));
  complete = read_target(object, route) && complete;
  object.finish();
  if (!complete) return std::nullopt;
  return route;
}

// Two patterns that every request's host matches alike.
bool serves_all_hosts_of(const Settings::Route& earlier, const Settings::Route& later) {
  if (later.hosts.empty()) return earlier.hosts.empty();
  return std::ranges::all_of(later.hosts, [&](const std::string& host) {
    return std::ranges::find(earlier.hosts, host) != earlier.hosts.end();
  });
}

bool serves_all_methods_of(const Settings::Route& earlier, const Settings::Route& later) {
  // A route that names its methods is asked before one that doesn't.
  if (later.methods.empty()) return earlier.methods.empty();
  return std::ranges::all_of(later.methods, [&](const std::string& method) {
    const auto& named = earlier.methods;
    return std::ranges::find(named, method) != named.end() ||
           (method == "HEAD" && std::ranges::find(named, "GET") != named.end());
  });
}

// Whether the later route is never asked. A less specific one that stands earlier takes nothing
// from it.
bool covers(const Settings::Route& earlier, const Settings::Route& later) {
  return earlier.path == later.path && earlier.exact == later.exact &&
         serves_all_hosts_of(earlier, later) && serves_all_methods_of(earlier, later);
}

std::optional<std::string> route_path(const Value& value) {
  auto path = config::text_up_to(value, config::kMaxTextBytes);
  if (!path) return std::nullopt;
  if (!path->starts_with('/')) {
    value.refuse("is not a path of a URL", "\"/…\"");
    return std::nullopt;
  }
  if (!std::ranges::all_of(*path, is_graphic)) {
    value.refuse("would never match a request, with what no path holds unencoded", "a plain path");
    return std::nullopt;
  }
  // Requests are matched both as they were sent and in their normalised form: no route with these
  // would ever match.
  const auto ended = *path + '/';
  for (const std::string_view never : {"//", "/./", "/../", "?", "#", "\\", ";", "%"}) {
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

std::optional<std::string> host_pattern(const Value& value) {
  auto host = config::text_up_to(value, config::kMaxTextBytes);
  if (!host) return std::nullopt;
  std::ranges::transform(*host, host->begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::string_view name =
      host->starts_with("*.") ? std::string_view(*host).substr(2) : std::string_view(*host);
  const bool is_ipv6 = host->starts_with('[') && host->ends_with(']') &&
                       core::IpAddress::parse(host->substr(1, host->size() - 2));
  if (is_ipv6 || (is_host_name(name) && !name.ends_with('.'))) return host;
  value.refuse("is not a host",
               "a name without a port, such as \"meet.example.com\", or \"*.example.com\" for all "
               "names below");
  return std::nullopt;
}

std::optional<std::string> method_name(const Value& value) {
  auto method = config::text_up_to(value, config::kMaxTextBytes);
  if (!method) return std::nullopt;
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
  if (std::ranges::all_of(*method, is_letter) && *method != "CONNECT" && *method != "TRACE")
    return method;
  value.refuse("is not a method that is served", "\"GET\", \"POST\" and so on, in capitals");
  return std::nullopt;
}

std::optional<std::string> branding_path(const Value& value) {
  auto segment = config::text_up_to(value, config::kMaxTextBytes);
  if (!segment) return std::nullopt;
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  };
  if (std::ranges::all_of(*segment, allowed)) return segment;
  value.refuse("is not a branding path", "one of A-Z, a-z, 0-9, \"_\" and \"-\", without slashes");
  return std::nullopt;
}

} // namespace

void read_paths(ObjectReader& root, Settings& settings) {
  using Paths = Settings::Paths;
  root.read("paths", settings.paths,
            config::choice<Paths>({{"open", Paths::open}, {"conferencing", Paths::conferencing}}));
  root.read("branding_paths", settings.branding_paths,
            config::list_of(branding_path, kMaxBrandingPaths));
  if (!settings.branding_paths.empty() && settings.paths == Paths::open) {
    root.place_of("branding_paths").warning("means nothing: every path is open");
  }
}

} // namespace rproxyd
