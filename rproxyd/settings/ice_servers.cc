#include "rproxyd/settings/ice_servers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using namespace std::chrono_literals;
using config::ObjectReader;
using config::Value;

// Nothing that JSON would escape.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

std::optional<std::string> ice_url(const Value& value) {
  constexpr std::array<std::string_view, 4> kSchemes{"turn:", "turns:", "stun:", "stuns:"};
  auto url = config::text_up_to(value, config::kMaxTextBytes);
  if (!url) return std::nullopt;
  const auto scheme =
      std::ranges::find_if(kSchemes, [&](std::string_view each) { return url->starts_with(each); });
  if (scheme != kSchemes.end() && url->size() > scheme->size() && is_plain(*url) &&
      !url->contains("//")) {
    return url;
  }
  value.refuse("is not a TURN server's URL", "\"turn:turn1.example.com:3478?transport=udp\"");
  return std::nullopt;
}

std::optional<Settings::IceServers::Server> ice_server(const Value& value) {
  Settings::IceServers::Server server;
  ObjectReader object(value);
  const bool complete = object.require(
      "urls", server.urls, config::some_of(config::named("URL", ice_url), kMaxIceUrls, "URL"));
  object.read("weight", server.weight, config::integer(1U, kMaxWeight));
  object.finish();
  if (!complete) return std::nullopt;
  return server;
}

std::optional<std::string> check_path(const Value& value) {
  auto path = config::text_up_to(value, config::kMaxTextBytes);
  if (!path) return std::nullopt;
  const auto star = path->find('*');
  const bool segment = star == std::string::npos ||
                       (('/' + path->substr(star) + '/').starts_with("/*/") && star > 0 &&
                        (*path)[star - 1] == '/' && path->find('*', star + 1) == std::string::npos);
  if (path->starts_with('/') && is_plain(*path) && segment && !path->contains("//") &&
      !path->contains("/.") && !path->contains('#')) {
    return path;
  }
  value.refuse("is not a path that tells who is signed in",
               "one such as \"/api/client/v2/conferences/*/conference_status\", where \"*\" stands "
               "for the last segment of the client's own path");
  return std::nullopt;
}

std::optional<std::string> page_origin(const Value& value) {
  auto origin = config::text_up_to(value, config::kMaxTextBytes);
  if (!origin) return std::nullopt;
  const auto host = origin->find("://");
  const bool scheme = origin->starts_with("https://") || origin->starts_with("http://");
  if (scheme && is_plain(*origin) && origin->size() > host + 3 &&
      origin->find('/', host + 3) == std::string::npos) {
    return origin;
  }
  value.refuse("is not a page's origin", "\"https://meet.example.com\", without a path");
  return std::nullopt;
}

std::optional<Settings::IceServers> ice_servers_of(const Value& value) {
  Settings::IceServers ice_servers;
  ObjectReader object(value);
  bool complete = object.require("pool", ice_servers.pool, config::text());
  complete = object.require("check", ice_servers.check, check_path) && complete;
  complete = object.require("servers", ice_servers.servers,
                            config::some_of(ice_server, kMaxIceServers, "server")) &&
             complete;
  object.read("most", ice_servers.most, config::integer(1U, kMaxIceServersTold));
  const bool has_secret = config::read_secret(object, "secret", "secret_file", ice_servers.secret);
  object.read("ttl", ice_servers.ttl, config::duration(1min, 24h * 7));
  object.read("origins", ice_servers.origins,
              config::list_of(config::named("origin", page_origin), kMaxOrigins));
  object.finish();
  if (object.is_object() && !has_secret && !object.has("secret") && !object.has("secret_file")) {
    object.value().error("no \"secret\" and no \"secret_file\"",
                         "what the TURN servers have among their shared_secrets");
    return std::nullopt;
  }
  if (!complete || !object.is_object()) return std::nullopt;
  return ice_servers;
}

} // namespace

bool read_ice_servers(ObjectReader& object, Settings::IceServers& ice_servers) {
  return object.read("ice_servers", ice_servers, ice_servers_of);
}

} // namespace rproxyd
