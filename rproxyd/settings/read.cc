#include "rproxyd/settings/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/config/admin.h"
#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"
#include "rproxyd/settings/answer_headers.h"
#include "rproxyd/settings/compression.h"
#include "rproxyd/settings/dns.h"
#include "rproxyd/settings/header_text.h"
#include "rproxyd/settings/listeners.h"
#include "rproxyd/settings/pin_guard.h"
#include "rproxyd/settings/pools.h"
#include "rproxyd/settings/routes.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;
using namespace std::chrono_literals;

void read_session_tickets(const Value& value, core::Secret& secret);
void read_limits(const Value& value, Settings::Limits& limits);
void read_timeouts(const Value& value, Settings::Timeouts& timeouts);
void read_log(const Value& value, Settings::Log& log);

} // namespace

Settings read(const Value& root) {
  Settings settings;
  ObjectReader object(root);
  std::string for_editors;
  object.read("$schema", for_editors, config::text());
  object.read("workers", settings.workers, config::integer(0U, kMaxWorkers));
  object.read("drain_timeout", settings.drain_timeout, config::duration(0s, 24h));
  object.read("take_over_timeout", settings.take_over_timeout, config::duration(0s, 24h * 7));
  if (const auto reload = object.find("reload"))
    config::read_reload_rules(*reload, settings.reload);
  if (const auto sandbox = object.find("sandbox")) config::read_sandbox(*sandbox, settings.sandbox);
  object.read("trusted_proxies", settings.trusted_proxies, config::network_list);
  if (settings.trusted_proxies.contains(core::IpAddress::v4(192, 0, 2, 1))) {
    object.place_of("trusted_proxies")
        .warning("every client may say which address it has", "the proxies' own addresses");
  }
  read_listeners(object, settings);

  const bool pools_right = object.read("pools", settings.pools, read_pools);
  const bool serves = std::ranges::any_of(
      settings.listeners, [](const Settings::Listener& l) { return !l.redirect_https; });
  // Routes to pools that could not be read have no problem of their own.
  if (pools_right || !object.has("pools")) {
    read_routes(object, serves, settings.pools, settings.routes);
  } else {
    object.find("routes");
  }

  read_paths(object, settings);
  read_answer_headers(object, settings);
  if (const auto compression = object.find("compression"))
    read_compression(*compression, settings.compression);
  object.read("forwarded", settings.forwarded, config::boolean);
  object.read("request_id", settings.request_id, request_id_header);
  using Underscores = Settings::UnderscoreHeaders;
  object.read("underscore_headers", settings.underscore_headers,
              config::choice<Underscores>({{"drop", Underscores::drop},
                                           {"keep", Underscores::keep},
                                           {"refuse", Underscores::refuse}}));
  if (const auto guard = object.find("pin_guard")) read_pin_guard(*guard, settings.pin_guard);
  if (const auto tickets = object.find("session_tickets"))
    read_session_tickets(*tickets, settings.session_tickets);
  if (const auto dns = object.find("dns")) read_dns(*dns, settings.dns);
  if (const auto limits = object.find("limits")) read_limits(*limits, settings.limits);
  if (const auto timeouts = object.find("timeouts")) read_timeouts(*timeouts, settings.timeouts);
  if (const auto log = object.find("log")) read_log(*log, settings.log);
  if (const auto admin = object.find("admin")) config::read_admin(*admin, settings.admin);
  object.finish();
  return settings;
}

namespace {

// "0: none", but for what waits in memory, where it is `ceiling`.
auto bounded(std::uint64_t least, std::uint64_t ceiling, bool in_bytes) {
  return [=](const Value& value) -> std::optional<std::uint64_t> {
    const auto number = in_bytes ? config::size_up_to(value, ceiling)
                                 : config::integer(std::uint64_t{0}, ceiling)(value);
    if (!number) return std::nullopt;
    if (*number == 0) return ceiling;
    if (*number < least) {
      value.refuse("is too small", fmt::format("{} at least, or 0 for {}", least, ceiling));
      return std::nullopt;
    }
    return number;
  };
}

void read_session_tickets(const Value& value, core::Secret& secret) {
  ObjectReader object(value);
  config::read_secret(object, "secret", "secret_file", secret);
  object.finish();
  if (secret.empty() || secret.reveal().size() >= kLeastTicketSecret) return;
  value.error("the secret is short, and could be guessed",
              fmt::format("{} characters at least, drawn by lot", kLeastTicketSecret));
}

void read_limits(const Value& value, Settings::Limits& limits) {
  ObjectReader object(value);
  const auto connections = config::or_none(config::integer(std::uint64_t{0}, kMaxConnections));
  object.read("header_bytes", limits.header_bytes,
              bounded(kMinHeaderBytes, Settings::kMaxHeaderBytes, true));
  object.read("header_count", limits.header_count, bounded(1, Settings::kMaxHeaderCount, false));
  object.read("body_bytes", limits.body_bytes, config::or_none(config::size(kMaxBodyBytes)));
  object.read("connections", limits.connections, connections);
  const auto rate = config::or_none(config::size(kMaxLeastRate));
  object.read("least_upload_rate", limits.least_upload_rate, rate);
  object.read("least_download_rate", limits.least_download_rate, rate);
  object.read("connections_per_client", limits.connections_per_client, connections);
  object.read("streams_per_connection", limits.streams_per_connection,
              bounded(1, Settings::kMaxStreams, false));
  object.finish();
}

void read_timeouts(const Value& value, Settings::Timeouts& timeouts) {
  ObjectReader object(value);
  const auto timeout = config::duration(1ms, 24h);
  object.read("handshake", timeouts.handshake, timeout);
  object.read("head", timeouts.head, timeout);
  object.read("body", timeouts.body, timeout);
  object.read("keep_alive", timeouts.keep_alive, timeout);
  object.read("connect", timeouts.connect, timeout);
  object.read("response", timeouts.response, timeout);
  object.read("stream_idle", timeouts.stream_idle, config::duration(1ms, 24h * 7));
  object.read("backend_idle", timeouts.backend_idle, timeout);
  object.finish();
}

void read_log(const Value& value, Settings::Log& log) {
  ObjectReader object(value);
  object.read("level", log.level,
              config::choice<logging::Level>({{"debug", logging::Level::debug},
                                              {"info", logging::Level::info},
                                              {"warning", logging::Level::warning},
                                              {"error", logging::Level::error}}));
  object.read("format", log.format,
              config::choice<logging::Format>(
                  {{"text", logging::Format::text}, {"json", logging::Format::json}}));
  object.read("access", log.access, config::nullable(config::path));
  object.read(
      "access_format", log.access_format,
      config::choice<Settings::AccessFormat>({{"pexip", Settings::AccessFormat::pexip},
                                              {"combined", Settings::AccessFormat::combined},
                                              {"extended", Settings::AccessFormat::extended},
                                              {"json", Settings::AccessFormat::json}}));
  object.finish();
}

} // namespace
} // namespace rproxyd
