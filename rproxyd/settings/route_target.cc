#include "rproxyd/settings/route_target.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "libcore/config/parsers.h"
#include "rproxyd/settings/header_text.h"
#include "rproxyd/settings/ice_servers.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;

bool has_one_target(const ObjectReader& object);
bool read_pool(ObjectReader& object, Settings::ToPool& pool);
bool read_redirect(ObjectReader& object, Settings::Redirect& redirect);
bool read_folder(ObjectReader& object, Settings::StaticFolder& folder);
bool read_answer(ObjectReader& object, Settings::FixedAnswer& answer);
void check_belongs(ObjectReader& object);

} // namespace

bool read_target(ObjectReader& object, Settings::Route& route) {
  Settings::ToPool pool;
  Settings::Redirect redirect{.location = {}, .status = 302};
  Settings::StaticFolder folder;
  Settings::FixedAnswer answer;
  const bool has_pool = read_pool(object, pool);
  const bool has_redirect = read_redirect(object, redirect);
  const bool has_folder = read_folder(object, folder);
  const bool has_answer = read_answer(object, answer);
  Settings::IceServers ice_servers;
  const bool has_ice_servers = read_ice_servers(object, ice_servers);
  if (!object.is_object() && !object.value().asked()) return false;
  const bool one = has_one_target(object);
  if (one) check_belongs(object);

  if (has_pool) {
    route.target = pool;
  } else if (has_redirect) {
    route.target = redirect;
  } else if (has_folder) {
    route.target = folder;
    const auto served = [](const std::string& m) { return m == "GET" || m == "HEAD"; };
    if (!std::ranges::all_of(route.methods, served)) {
      object.place_of("methods").error("a folder is served to GET and HEAD alone");
    }
  } else if (has_answer) {
    route.target = answer;
  } else if (has_ice_servers) {
    route.target = ice_servers;
    if (!route.exact && !ice_servers.check.contains('*')) {
      object.place_of("exact").error("one path leads to ICE servers", "\"exact\": true");
    }
    if (route.exact && ice_servers.check.contains('*')) {
      object.place_of("exact").error(
          "the segment that takes the place of \"*\" lies below the path", "\"exact\": false");
    }
  } else {
    return false;
  }
  return one;
}

namespace {

bool has_one_target(const ObjectReader& object) {
  constexpr std::array<std::string_view, 5> kTargets{"pool", "static", "redirect", "answer",
                                                     "ice_servers"};
  if (object.has_exactly_one(kTargets)) return true;
  const bool none =
      std::ranges::none_of(kTargets, [&](std::string_view key) { return object.has(key); });
  object.value().error(none ? "the route leads nowhere" : "the route leads to several places",
                       R"(one of "pool", "static", "redirect", "answer" and "ice_servers")");
  return false;
}

// Keys that mean something for one target only, beside another one.
void check_belongs(ObjectReader& object) {
  struct Belongs {
    std::string_view target;
    std::array<std::string_view, 5> keys;
  };
  constexpr std::array<Belongs, 3> kAll{
      Belongs{"pool", {"rewrite"}}, Belongs{"redirect", {"status"}},
      Belongs{"static", {"index", "fallback", "cache_control", "types", "precompressed"}}};
  for (const Belongs& each : kAll) {
    if (object.has(each.target)) continue;
    for (const std::string_view key : each.keys) {
      if (key.empty() || !object.has(key)) continue;
      object.place_of(key).error("means nothing here",
                                 "it beside \"" + std::string(each.target) + "\" only");
    }
  }
  const auto websocket = object.has("pool") ? std::nullopt : object.find("websocket");
  if (websocket && config::boolean(*websocket).value_or(false)) {
    websocket->error("a route without a pool has no WebSocket");
  }
}

// Not in a route's own path: what a server is asked for.
std::optional<std::string> replacement(const Value& value) {
  auto path = config::text_up_to(value, config::kMaxTextBytes);
  if (!path) return std::nullopt;
  const auto allowed = [](char c) {
    constexpr std::string_view kNever = "%?#;\\";
    return c > ' ' && c <= '~' && !kNever.contains(c);
  };
  const auto ended = *path + '/';
  if (path->starts_with('/') && std::ranges::all_of(*path, allowed) && !path->contains("//") &&
      !ended.contains("/./") && !ended.contains("/../")) {
    return path;
  }
  value.refuse("can't take the place of a path", "a plain path; \"/\" leaves the route's own out");
  return std::nullopt;
}

bool read_pool(ObjectReader& object, Settings::ToPool& pool) {
  object.read("websocket", pool.websocket, config::boolean);
  object.read("rewrite", pool.rewrite, config::nullable(replacement));
  return object.read("pool", pool.pool, config::text());
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

std::optional<unsigned> redirect_status(const Value& value) {
  constexpr std::array<unsigned, 5> kStatuses{301, 302, 303, 307, 308};
  const auto status = config::integer(0U, 999U)(value);
  if (config::Shape* shape = value.asked())
    shape->numbers.assign(kStatuses.begin(), kStatuses.end());
  if (!status) return std::nullopt;
  if (std::ranges::find(kStatuses, *status) != kStatuses.end()) return status;
  value.refuse("is not a redirect's status", "301, 302, 303, 307 or 308");
  return std::nullopt;
}

bool read_redirect(ObjectReader& object, Settings::Redirect& redirect) {
  object.read("status", redirect.status, redirect_status);
  return object.read("redirect", redirect.location, redirect_location);
}

// A file below the folder, as it is written: none that would never be served.
std::optional<std::string> path_below(const Value& value) {
  auto path = config::text_up_to(value, config::kMaxTextBytes);
  if (!path) return std::nullopt;
  const auto ended = '/' + *path + '/';
  if (!ended.contains("//") && !ended.contains("/.")) return path;
  value.refuse("is not a file below the folder", "a path without a leading slash, \".\" or \"..\"");
  return std::nullopt;
}

std::optional<std::string> file_name(const Value& value) {
  auto name = path_below(value);
  if (!name || !name->contains('/')) return name;
  value.refuse("is not the name of a file", "one without slashes");
  return std::nullopt;
}

std::optional<std::string> ending(const Value& value) {
  auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (text->starts_with('.')) text->erase(0, 1);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (!text->empty() && std::ranges::all_of(*text, allowed)) return text;
  value.refuse("is not the ending of a file's name", "one such as \"webp\", in small letters");
  return std::nullopt;
}

std::optional<std::string> content_type(const Value& value) {
  auto type = header_value(value);
  if (!type || (type->contains('/') && !type->starts_with('/'))) return type;
  value.refuse("is not a content type", R"("image/webp", for instance)");
  return std::nullopt;
}

bool read_folder(ObjectReader& object, Settings::StaticFolder& folder) {
  object.read("index", folder.index,
              config::list_of(config::named("file name", file_name), kMaxIndexFiles));
  object.read("fallback", folder.fallback,
              config::nullable(config::named("path below the folder", path_below)));
  object.read("cache_control", folder.cache_control, config::nullable(header_value));
  object.read("types", folder.types,
              config::map_of(config::named("ending", ending),
                             config::named("content type", content_type), kMaxTypes));
  object.read("precompressed", folder.precompressed, config::boolean);
  return object.read("static", folder.folder, config::path);
}

// Text with line ends, unlike all other text of a configuration.
std::optional<std::string> body_text(const Value& value) {
  auto body = value.text("text in quotes");
  if (config::Shape* shape = value.asked()) shape->most = kMaxAnswerBytes;
  if (body && body->size() > kMaxAnswerBytes) {
    value.error("the text is " + std::to_string(body->size()) + " bytes long",
                "at most " + std::to_string(kMaxAnswerBytes));
    return std::nullopt;
  }
  return body;
}

std::optional<Settings::FixedAnswer> fixed_answer(const Value& value) {
  Settings::FixedAnswer answer;
  ObjectReader object(value);
  object.read("status", answer.status, config::integer(200U, 599U));
  object.read("body", answer.body, body_text);
  object.read("headers", answer.headers, header_fields);
  object.finish();
  if ((answer.status == 204 || answer.status == 304) && !answer.body.empty()) {
    object.place_of("body").error("an answer with this status has no body");
  }
  if (!object.is_object()) return std::nullopt;
  return answer;
}

bool read_answer(ObjectReader& object, Settings::FixedAnswer& answer) {
  return object.read("answer", answer, fixed_answer);
}

} // namespace
} // namespace rproxyd
