#include "rproxyd/settings/pools.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "rproxyd/settings/read.h"
#include "rproxyd/settings/server_url.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;
using namespace std::chrono_literals;

std::optional<Settings::Pool> read_pool(const Value& value);
void read_servers(ObjectReader& object, std::vector<Settings::Server>& servers);
void read_tls(const Value& value, Settings::BackendTls& tls);
Settings::Health read_health(const Value& value);
void read_retry(const Value& value, Settings::Retry& retry);

} // namespace

std::optional<std::map<std::string, Settings::Pool>> read_pools(const Value& value) {
  return config::map_of(config::text(), read_pool, kMaxPools)(value);
}

namespace {

std::optional<Settings::Pool> read_pool(const Value& value) {
  Settings::Pool pool;
  ObjectReader object(value);
  read_servers(object, pool.servers);
  object.read(
      "policy", pool.policy,
      config::choice<Settings::Policy>({{"round_robin", Settings::Policy::round_robin},
                                        {"least_connections", Settings::Policy::least_connections},
                                        {"client_hash", Settings::Policy::client_hash}}));
  object.read(
      "affinity", pool.affinity,
      config::choice<Settings::Affinity>({{"none", Settings::Affinity::none},
                                          {"client_address", Settings::Affinity::client_address},
                                          {"cookie", Settings::Affinity::cookie}}));
  if (const auto tls = object.find("tls")) read_tls(*tls, pool.tls);
  if (const auto health = object.find("health"); health && !health->is_null()) {
    pool.health = read_health(*health);
  }
  object.read("slow_start", pool.slow_start, config::duration(0s, 1h));
  if (const auto retry = object.find("retry")) read_retry(*retry, pool.retry);
  object.read(
      "protocol", pool.protocol,
      config::choice<Settings::BackendProtocol>({{"http/1.1", Settings::BackendProtocol::http1_1},
                                                 {"h2", Settings::BackendProtocol::h2}}));
  object.read("proxy_protocol", pool.proxy_protocol,
              config::choice<Settings::ProxyHeader>({{"off", Settings::ProxyHeader::none},
                                                     {"v1", Settings::ProxyHeader::v1},
                                                     {"v2", Settings::ProxyHeader::v2}}));
  if (pool.proxy_protocol != Settings::ProxyHeader::none &&
      pool.protocol == Settings::BackendProtocol::h2) {
    object.place_of("proxy_protocol")
        .error("a PROXY header speaks for one client, and a connection of HTTP/2 carries many",
               "\"protocol\": \"http/1.1\"");
  }
  object.finish();
  return pool;
}

std::optional<Settings::Server> server_url(const Value& value) {
  constexpr std::string_view kExpected =
      "\"https://HOST\" or \"http://HOST\", with a port if need be: \"https://10.40.0.12:8443\"";
  if (value.tells(config::Shape::text("server URL", "^https?://."))) return std::nullopt;
  const auto found = value.text(kExpected);
  if (!found) return std::nullopt;
  const auto parsed = parse_server(*found);
  if (!parsed) value.refuse("is not a server", std::string(kExpected));
  return parsed;
}

std::optional<Settings::Server> server_in_full(const Value& value) {
  Settings::Server server;
  unsigned weight = server.weight;
  bool backup = server.backup;
  ObjectReader object(value);
  const bool has_url = object.require("url", server, server_url);
  object.read("weight", weight, config::integer(1U, kMaxWeight));
  object.read("backup", backup, config::boolean);
  object.finish();
  if (!has_url) return std::nullopt;
  server.weight = weight;
  server.backup = backup;
  if (server.is_service() && (object.has("weight") || object.has("backup"))) {
    value.warning("the SRV records tell weights and which servers are for backup");
  }
  return server;
}

void read_servers(ObjectReader& object, std::vector<Settings::Server>& servers) {
  // A URL, or an object that says more about the server.
  const auto server = config::object_or(server_url, server_in_full);
  if (!object.require("servers", servers, config::some_of(server, kMaxServers, "server"))) return;
  const auto list = object.place_of("servers");
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const bool repeated = std::any_of(
        servers.begin(), servers.begin() + static_cast<std::ptrdiff_t>(i),
        [&](const auto& s) { return s.host == servers[i].host && s.port == servers[i].port; });
    if (!repeated) continue;
    const Value element = list.element(i);
    if (element.node().kind == config::Node::Kind::object) {
      element.error(fmt::format("{} is listed already", servers[i].authority), "each server once");
    } else {
      element.refuse("is listed already", "each server once");
    }
  }
}

void read_tls(const Value& value, Settings::BackendTls& tls) {
  ObjectReader object(value);
  object.read("verify", tls.verify, config::boolean);
  object.read("server_name", tls.server_name,
              config::nullable(config::named("host name", config::text())));
  object.read("ca_file", tls.ca_file, config::nullable(config::path));
  object.finish();
  if (tls.server_name && !is_host_name(*tls.server_name)) {
    object.place_of("server_name")
        .refuse("is not a host name", "\"node.example.com\", for instance");
  }
  if (tls.ca_file && !tls.verify) {
    object.place_of("ca_file").warning("is without effect while \"verify\" is false");
  }
}

Settings::Health read_health(const Value& value) {
  constexpr unsigned kMostChecks = 100;
  Settings::Health health;
  ObjectReader object(value);
  object.read("path", health.path, config::text());
  object.read("interval", health.interval, config::duration(100ms, 1h));
  object.read("timeout", health.timeout, config::duration(10ms, 1h));
  object.read("fall", health.fall, config::integer(1U, kMostChecks));
  object.read("rise", health.rise, config::integer(1U, kMostChecks));
  object.finish();
  if (!health.path.starts_with('/')) {
    object.place_of("path").refuse("is not a path of a URL", "\"/…\"");
  }
  if (health.timeout > health.interval) {
    value.error("the timeout is longer than the interval", "each check over before the next");
  }
  return health;
}

struct RetryCause {
  std::string_view word;
  unsigned status; // 0: none came
};

constexpr std::array<RetryCause, 6> kCauses{
    {{"connect", 0}, {"timeout", 0}, {"500", 500}, {"502", 502}, {"503", 503}, {"504", 504}}};

config::Written written(const config::Shape& /*shape*/, const RetryCause& cause) {
  return config::quoted_json(cause.word);
}

std::optional<RetryCause> retry_cause(const Value& value) {
  std::array<std::string_view, kCauses.size()> words;
  std::ranges::transform(kCauses, words.begin(), &RetryCause::word);
  const auto index = config::chosen(value, words);
  if (!index) return std::nullopt;
  return kCauses[*index];
}

std::vector<RetryCause> causes_of(const Settings::Retry& retry) {
  std::vector<RetryCause> causes;
  for (const RetryCause& cause : kCauses) {
    const auto& statuses = retry.on_status;
    const bool is_one = cause.word == "connect" ? retry.on_connect
                        : cause.word == "timeout"
                            ? retry.on_timeout
                            : std::ranges::find(statuses, cause.status) != statuses.end();
    if (is_one) causes.push_back(cause);
  }
  return causes;
}

void read_retry(const Value& value, Settings::Retry& retry) {
  constexpr unsigned kMostAttempts = 8;
  ObjectReader object(value);
  std::vector<RetryCause> causes = causes_of(retry);
  if (object.read("on", causes, config::list_of(retry_cause))) {
    const auto has = [&](std::string_view word) {
      return std::ranges::find(causes, word, &RetryCause::word) != causes.end();
    };
    retry.on_connect = has("connect");
    retry.on_timeout = has("timeout");
    retry.on_status.clear();
    for (const auto& cause : causes) {
      if (cause.status != 0) retry.on_status.push_back(cause.status);
    }
  }
  object.read("attempts", retry.attempts, config::integer(1U, kMostAttempts));
  object.read("non_idempotent", retry.non_idempotent, config::boolean);
  object.read("budget", retry.budget, config::integer(0U, 100U));
  object.finish();
}

} // namespace
} // namespace rproxyd
