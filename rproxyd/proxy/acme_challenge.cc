#include "rproxyd/proxy/acme_challenge.h"

#include <algorithm>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::string_view kPrefix = "/.well-known/acme-challenge/";

Route route_to(std::string folder) {
  Route route;
  route.path = kPrefix;
  route.kind = Route::Kind::folder;
  route.target = std::move(folder);
  route.folder.index.clear();
  route.folder.cache_control = "no-store";
  route.folder.precompressed = false;
  return route;
}

} // namespace

std::optional<std::string_view> challenge_token(std::string_view target) {
  target = target.substr(0, target.find('?'));
  if (!target.starts_with(kPrefix)) return std::nullopt;
  const std::string_view token = target.substr(kPrefix.size());
  const auto allowed = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || c == '-';
  };
  if (token.empty() || token.size() > kMaxChallengeToken || !std::ranges::all_of(token, allowed))
    return std::nullopt;
  return token;
}

std::vector<Route> challenge_routes(const std::string& folder) {
  return {route_to(folder + "/.well-known/acme-challenge"), route_to(folder)};
}

} // namespace rproxyd
