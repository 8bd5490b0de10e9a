#include "rproxyd/settings/pin_guard.h"

#include <chrono>
#include <string_view>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;
using namespace std::chrono_literals;

constexpr unsigned kMostFailures = 10'000;
constexpr unsigned kMostGrowth = 100;

std::optional<std::string> ban_state(const Value& value);
void read_state(ObjectReader& object, Settings::PinGuard& guard);
void read_redis(const Value& value, redis::Server& server);
std::optional<std::string> token_path(const Value& value);
void read_room(const Value& value, Settings::PinGuard::Room& room);
void check_ban_times(const ObjectReader& object, const Settings::PinGuard& guard);

} // namespace

void read_pin_guard(const Value& value, Settings::PinGuard& guard) {
  using Count = Settings::PinGuard::Count;
  using Answer = Settings::PinGuard::Answer;
  ObjectReader object(value);
  object.read("enabled", guard.enabled, config::boolean);
  object.read("count", guard.count,
              config::choice<Count>(
                  {{"wrong_pins", Count::wrong_pins}, {"denied_tokens", Count::denied_tokens}}));
  object.read("max_failures", guard.max_failures, config::integer(1U, kMostFailures));
  object.read("find_time", guard.find_time, config::duration(1s, 24h * 7));
  object.read("ban_time", guard.ban_time, config::duration(1s, 24h * 365));
  object.read("growth", guard.growth, config::integer(1U, kMostGrowth));
  object.read("max_ban_time", guard.max_ban_time, config::duration(1s, 24h * 365));
  object.read("remember", guard.remember, config::duration(0s, 24h * 365));
  object.read("widen_ipv6", guard.widen_ipv6, config::boolean);
  object.read("ignore", guard.ignore, config::network_list);
  object.read("shared_networks", guard.shared_networks, config::network_list);
  object.read("shared_max_failures", guard.shared_max_failures, config::integer(1U, kMostFailures));
  if (const auto room = object.find("room")) read_room(*room, guard.room);
  object.read("answer", guard.answer,
              config::choice<Answer>({{"403", Answer::forbidden},
                                      {"429", Answer::too_many_requests},
                                      {"close", Answer::close}}));
  object.read("paths", guard.paths,
              config::some_of(config::named("URL path", token_path), kMaxTokenPaths, "path"));
  object.read("dry_run", guard.dry_run, config::boolean);
  read_state(object, guard);
  object.read("audit_log", guard.audit_log, config::nullable(config::path));
  object.read("audit_format", guard.audit_format,
              config::choice<logging::Format>(
                  {{"text", logging::Format::text}, {"json", logging::Format::json}}));
  object.finish();
  check_ban_times(object, guard);
}

namespace {

std::optional<std::string> ban_state(const Value& value) {
  auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (redis::is_url(*text)) return text;
  return config::path(value);
}

void read_state(ObjectReader& object, Settings::PinGuard& guard) {
  object.read("state", guard.state,
              config::nullable(config::named("path or Redis URL", ban_state)));
  const auto redis = object.find("redis");
  redis::Server more;
  if (redis) read_redis(*redis, more);
  if (!guard.state || !redis::is_url(*guard.state)) {
    if (redis && !redis->asked()) redis->warning("is without effect while state is no Redis URL");
    return;
  }
  auto server = redis::parse_url(*guard.state);
  guard.state.reset();
  if (!server) {
    object.place_of("state").error("the Redis URL can't be used: " + server.error(),
                                   "\"redis://HOST:PORT/DATABASE\", or rediss:// for TLS");
    return;
  }
  if (redis && !more.password.empty()) {
    if (!server->password.empty())
      redis->error("the password stands in state, too", "one of the two");
    server->password = std::move(more.password);
  }
  server->verify = more.verify;
  server->ca_file = more.ca_file;
  guard.redis = *std::move(server);
}

void read_redis(const Value& value, redis::Server& server) {
  ObjectReader object(value);
  config::read_secret(object, "password", "password_file", server.password);
  object.read("verify", server.verify, config::boolean);
  std::optional<std::string> ca_file;
  object.read("ca_file", ca_file, config::nullable(config::path));
  server.ca_file = ca_file.value_or("");
  object.finish();
}

std::optional<std::string> token_path(const Value& value) {
  constexpr std::string_view kExpected =
      "a path with one \"*\" for the room: \"/api/client/v2/conferences/*/request_token\"";
  auto text = value.text(kExpected);
  if (!text) return std::nullopt;
  const std::string_view path(*text);
  const auto room = path.find("/*/");
  if (path.starts_with('/') && room != std::string_view::npos && room + 3 < path.size() &&
      path.find('*') == path.rfind('*') && path.back() != '/') {
    return text;
  }
  value.refuse("is not such a path", std::string(kExpected));
  return std::nullopt;
}

void read_room(const Value& value, Settings::PinGuard::Room& room) {
  ObjectReader object(value);
  object.read("enabled", room.enabled, config::boolean);
  object.read("find_time", room.find_time, config::duration(1s, 24h * 7));
  object.read("slow_after", room.slow_after, config::integer(1U, kMostFailures));
  object.read("max_failures", room.max_failures, config::integer(1U, kMostFailures));
  object.read("pace", room.pace, config::duration(0s, 1h));
  object.read("remember", room.remember, config::duration(0s, 24h * 30));
  object.finish();
  if (room.max_failures < room.slow_after) {
    value.error("max_failures is below slow_after",
                "newcomers slowed down before they are refused");
  }
}

void check_ban_times(const ObjectReader& object, const Settings::PinGuard& guard) {
  if (guard.growth > 1 && guard.max_ban_time < guard.ban_time) {
    object.place_of("max_ban_time")
        .error("the longest ban is shorter than the first", "ban_time at least");
  }
  if (guard.growth > 1 && guard.remember == core::Duration::zero()) {
    object.place_of("remember").warning("no ban is remembered, so that none grows");
  }
}

} // namespace
} // namespace rproxyd
