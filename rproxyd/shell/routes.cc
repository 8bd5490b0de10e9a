#include "rproxyd/shell/routes.h"

#include <algorithm>

namespace rproxyd {
namespace {

FolderRules folder_rules(const Settings::StaticFolder& from) {
  return {.index = from.index,
          .fallback = from.fallback.value_or(""),
          .cache_control = from.cache_control.value_or(""),
          .types = {from.types.begin(), from.types.end()},
          .precompressed = from.precompressed};
}

LocalAnswer fixed_answer(const Settings::FixedAnswer& from) {
  LocalAnswer answer{.head = {}, .body = from.body};
  answer.head.status = static_cast<std::uint16_t>(from.status);
  for (const auto& field : from.headers) answer.head.fields.add(field.name, field.value);
  if (!from.body.empty() && !answer.head.fields.find("content-type"))
    answer.head.fields.add("content-type", "text/plain; charset=utf-8");
  answer.head.body = {.kind = BodySize::Kind::length, .length = answer.body.size()};
  return answer;
}

IceServers ice_servers(const Settings::IceServers& from) {
  IceServers rules{.servers = {},
                   .most = from.most,
                   .secret = from.secret,
                   .ttl = from.ttl,
                   .check = from.check,
                   .origins = from.origins};
  for (const auto& server : from.servers)
    rules.servers.push_back({.urls = server.urls, .weight = server.weight});
  return rules;
}

std::size_t index_of(const std::string& pool, const std::vector<std::string>& pool_names) {
  return static_cast<std::size_t>(std::ranges::find(pool_names, pool) - pool_names.begin());
}

Route route_of(const Settings::Route& from, const std::vector<std::string>& pool_names) {
  Route route;
  route.hosts = from.hosts;
  route.methods = from.methods;
  route.path = from.path;
  route.exact = from.exact;
  if (const auto* pool = std::get_if<Settings::ToPool>(&from.target)) {
    route.websocket = pool->websocket;
    route.target = pool->pool;
    route.pool = index_of(pool->pool, pool_names);
    route.rewrite = pool->rewrite.value_or("");
  } else if (const auto* redirect = std::get_if<Settings::Redirect>(&from.target)) {
    route.kind = Route::Kind::redirect;
    route.target = redirect->location;
    route.status = static_cast<std::uint16_t>(redirect->status);
  } else if (const auto* folder = std::get_if<Settings::StaticFolder>(&from.target)) {
    route.kind = Route::Kind::folder;
    route.target = folder->folder;
    route.folder = folder_rules(*folder);
  } else if (const auto* told = std::get_if<Settings::IceServers>(&from.target)) {
    route.target = told->pool;
    route.pool = index_of(told->pool, pool_names);
    route.ice_servers = std::make_shared<const IceServers>(ice_servers(*told));
  } else {
    route.kind = Route::Kind::answer;
    route.answer = fixed_answer(std::get<Settings::FixedAnswer>(from.target));
  }
  return route;
}

} // namespace

RouteTable route_table(const Settings& settings, const std::vector<std::string>& pool_names) {
  std::vector<Route> routes;
  routes.reserve(settings.routes.size());
  for (const Settings::Route& route : settings.routes)
    routes.push_back(route_of(route, pool_names));
  const bool strict = settings.paths == Settings::Paths::conferencing;
  return RouteTable(std::move(routes), strict ? PathPolicy::conferencing : PathPolicy::open,
                    settings.branding_paths);
}

} // namespace rproxyd
