#include "rproxyd/proxy/routes.h"

#include <algorithm>
#include <tuple>

#include "rproxyd/http/text.h"
#include "rproxyd/proxy/conferencing_paths.h"
#include "rproxyd/proxy/path.h"

namespace rproxyd {
namespace {

constexpr std::string_view kEveryHost = "*";

bool lies_below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

bool serves_path(const Route& route, std::string_view path) {
  return route.exact ? path == route.path : lies_below(path, route.path);
}

bool serves_method(const Route& route, std::string_view method) {
  return route.methods.empty() || std::ranges::find(route.methods, method) != route.methods.end() ||
         (method == "HEAD" && std::ranges::find(route.methods, "GET") != route.methods.end());
}

// Whether `a` is asked before `b`; routes that are alike stay in their order. Both are of one table.
bool is_more_specific(const Route* a, const Route* b) {
  const auto rank = [](const Route& r) {
    return std::tuple(!r.exact, std::size_t{0} - r.path.size(), r.methods.empty(), &r);
  };
  return rank(*a) < rank(*b);
}

void add_methods(std::string& allow, const Route& route) {
  const auto add = [&](std::string_view method) {
    if (any_element(allow, [&](std::string_view known) { return known == method; })) return;
    if (!allow.empty()) allow += ", ";
    allow += method;
  };
  for (const std::string& method : route.methods) {
    add(method);
    if (method == "GET") add("HEAD");
  }
}

} // namespace

RouteTable::RouteTable(std::vector<Route> routes, PathPolicy policy,
                       std::vector<std::string> branding_paths)
    : routes_(std::move(routes)), policy_(policy), branding_paths_(std::move(branding_paths)) {
  for (const Route& route : routes_) {
    for (const std::string& host : route.hosts) {
      by_host_[host].push_back(&route);
      patterns_ = patterns_ || host.starts_with("*.");
    }
    rewrites_ = rewrites_ || !route.rewrite.empty();
    if (route.hosts.empty()) by_host_[std::string(kEveryHost)].push_back(&route);
  }
  for (auto& [host, candidates] : by_host_) {
    std::ranges::sort(candidates, is_more_specific);
  }
}

RouteTable::Found RouteTable::find(std::string_view path, std::string_view host,
                                   std::string_view method) const {
  Found found;
  const auto look = [&](std::string_view name) {
    const auto candidates = by_host_.find(name);
    if (candidates == by_host_.end()) return false;
    for (const Route* route : candidates->second) {
      if (!serves_path(*route, path)) continue;
      if (serves_method(*route, method)) {
        found.route = route;
        return true;
      }
      add_methods(found.allow, *route);
    }
    return false;
  };

  if (host != kEveryHost && look(host)) return found;
  // "a.b.c" is looked for as "*.b.c", "*.c"; what a client sends as its host is never a pattern.
  for (auto dot = patterns_ ? host.find('.') : std::string_view::npos;
       dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    if (dot > 0 && look(std::string(kEveryHost).append(host.substr(dot)))) return found;
  }
  look(kEveryHost);
  return found;
}

bool RouteTable::is_open_to_clients(std::string_view target) const {
  const auto normalised = normalised_path(target);
  return normalised && is_conferencing_path(*normalised, branding_paths_) &&
         is_conferencing_path(target.substr(0, target.find('?')), branding_paths_);
}

std::expected<const Route*, RouteRefusal> RouteTable::match(std::string_view target,
                                                            std::string_view authority,
                                                            std::string_view method) const {
  using Kind = RouteRefusal::Kind;
  if (target == "*") {
    const auto pool = std::ranges::find_if(routes_, [](const Route& each) {
      return each.kind == Route::Kind::pool && !each.ice_servers;
    });
    if (pool == routes_.end()) return std::unexpected(RouteRefusal{});
    return &*pool;
  }
  const auto normalised = normalised_path(target);
  if (!normalised) return std::unexpected(RouteRefusal{Kind::bad_path});
  const std::string host = normalised_host(authority);
  Found found = find(*normalised, host, method);
  // The backend sees the path as it was sent: both readings must lie under the same route.
  const std::string_view sent = target.substr(0, target.find('?'));
  if (sent != *normalised && find(sent, host, method).route != found.route) {
    return std::unexpected(RouteRefusal{Kind::bad_path});
  }
  if (found.route == nullptr) {
    if (found.allow.empty()) return std::unexpected(RouteRefusal{});
    return std::unexpected(RouteRefusal{Kind::bad_method, std::move(found.allow)});
  }
  if (found.route->kind == Route::Kind::pool && !found.route->ice_servers &&
      policy_ == PathPolicy::conferencing) {
    const auto asked = backend_target(*found.route, target);
    if (!asked) return std::unexpected(RouteRefusal{Kind::bad_path});
    if (!is_open_to_clients(*asked)) return std::unexpected(RouteRefusal{});
  }
  return found.route;
}

std::string RouteTable::guarded_target(std::string_view target, std::string_view authority,
                                       std::string_view method) const {
  if (!rewrites_) return std::string(target);
  const auto route = match(target, authority, method);
  const auto asked = route ? backend_target(**route, target) : std::nullopt;
  return asked.value_or(std::string(target));
}

std::optional<std::string> backend_target(const Route& route, std::string_view target) {
  if (route.rewrite.empty() || target == "*") return std::string(target);
  return rewritten(target, route.path, route.rewrite);
}

std::optional<std::string> rewritten(std::string_view target, std::string_view path,
                                     std::string_view replacement) {
  std::string_view rest = target.substr(path.size());
  // Also of several: a path that begins with two is a host to some.
  while (rest.starts_with('/')) rest.remove_prefix(1);
  const bool more = !rest.empty() && rest.front() != '?';
  std::string result(replacement);
  const bool slash = path.ends_with('/') || target.substr(path.size()).starts_with('/');
  if ((slash || more) && !result.ends_with('/')) result += '/';
  result += rest;

  const auto normalised = normalised_path(result);
  if (!normalised || !lies_below(*normalised, replacement)) return std::nullopt;
  return result;
}

std::string normalised_host(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos)
    authority = authority.substr(0, colon);
  if (authority.ends_with('.')) authority.remove_suffix(1);
  std::string host(authority);
  std::ranges::transform(host, host.begin(), to_lower);
  return host;
}

} // namespace rproxyd
