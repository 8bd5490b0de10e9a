#include "rproxyd/settings/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/suggest.h"
#include "rproxyd/settings/pools.h"
#include "rproxyd/settings/routes.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;
using namespace std::chrono_literals;

std::optional<Settings::Listener> read_listener(const Value& value);
void check_listeners(const Value& list, const Settings& settings);
std::optional<Settings::ContentSecurityPolicy> content_security_policy(const Value& value);
std::optional<std::optional<std::string>> hsts(const Value& value);
void read_pin_guard(const Value& value, Settings::PinGuard& guard);
void read_limits(const Value& value, Settings::Limits& limits);
void read_timeouts(const Value& value, Settings::Timeouts& timeouts);
void read_log(const Value& value, Settings::Log& log);
void read_admin(const Value& value, Settings::Admin& admin);

} // namespace

Settings read(const Value& root) {
  Settings settings;
  ObjectReader object(root);
  object.read("workers", settings.workers, config::integer(0U, kMaxWorkers));
  object.read("drain_timeout", settings.drain_timeout, config::duration(0s, 24h));
  object.read("trusted_proxies", settings.trusted_proxies, config::network_list);
  if (settings.trusted_proxies.contains(core::IpAddress::v4(192, 0, 2, 1))) {
    object.place_of("trusted_proxies")
        .warning("every client may say which address it has", "the proxies' own addresses");
  }
  if (object.require("listeners", settings.listeners,
                     config::list_of(read_listener, kMaxListeners))) {
    check_listeners(object.place_of("listeners"), settings);
  }

  const bool pools_right = object.read("pools", settings.pools, read_pools);
  const bool serves = std::ranges::any_of(
      settings.listeners, [](const Settings::Listener& l) { return !l.redirect_https; });
  // Routes to pools that could not be read have no problem of their own.
  if (pools_right || !object.has("pools")) {
    read_routes(object, serves, settings.pools, settings.routes);
  } else {
    object.find("routes");
  }

  object.read("paths", settings.paths,
              config::choice<Settings::Paths>({{"open", Settings::Paths::open},
                                               {"conferencing", Settings::Paths::conferencing}}));
  object.read("content_security_policy", settings.content_security_policy, content_security_policy);
  object.read("hsts", settings.hsts, hsts);
  if (const auto guard = object.find("pin_guard")) read_pin_guard(*guard, settings.pin_guard);
  if (const auto limits = object.find("limits")) read_limits(*limits, settings.limits);
  if (const auto timeouts = object.find("timeouts")) read_timeouts(*timeouts, settings.timeouts);
  if (const auto log = object.find("log")) read_log(*log, settings.log);
  if (const auto admin = object.find("admin")) read_admin(*admin, settings.admin);
  object.finish();
  return settings;
}

namespace {

std::optional<Settings::Tls> read_tls(const Value& value) {
  Settings::Tls tls;
  ObjectReader object(value);
  const bool certificates_wrong = !object.read("certificates", tls.certificates,
                                               config::list_of(config::path, kMaxCertificates)) &&
                                  object.has("certificates");
  object.read("min_version", tls.min_version,
              config::choice<Settings::TlsVersion>(
                  {{"1.2", Settings::TlsVersion::tls1_2}, {"1.3", Settings::TlsVersion::tls1_3}}));
  object.finish();
  if (object.is_object() && tls.certificates.empty() && !certificates_wrong) {
    value.warning("no certificates: a self-signed one is made, and clients will warn or refuse");
  }
  return tls;
}

std::optional<Settings::Listener> read_listener(const Value& value) {
  Settings::Listener listener;
  ObjectReader object(value);
  const bool has_address = object.require("address", listener.address, config::listening_address);
  object.read("tls", listener.tls, config::nullable(read_tls));
  object.read("turn", listener.turn, config::nullable(config::remote_address));
  object.read("proxy_protocol", listener.proxy_protocol, config::boolean);
  object.read("redirect_https", listener.redirect_https, config::boolean);
  object.finish();
  if (!has_address) return std::nullopt;

  if (listener.turn && !listener.tls) {
    object.place_of("turn").error("TURN shares a port with TLS only", "\"tls\" beside it");
  }
  if (listener.redirect_https && listener.tls) {
    object.place_of("redirect_https")
        .error("a listener with TLS would redirect to itself", "this on plain HTTP only");
  }
  if (!listener.tls && !listener.redirect_https) {
    value.warning("plain HTTP: what this listener serves can be read and changed on its way",
                  "\"tls\" or \"redirect_https\"");
  }
  return listener;
}

void check_listeners(const Value& list, const Settings& settings) {
  if (settings.listeners.empty()) list.error("the list is empty", "at least one listener");
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const auto first =
        std::ranges::find(settings.listeners, listener.address, &Settings::Listener::address) -
        settings.listeners.begin();
    if (static_cast<std::size_t>(first) != i && listener.address.port() != 0) {
      list.element(i).error(
          fmt::format("{} is taken by listener {} already", listener.address.to_string(), first),
          "another address or port");
    }
    if (listener.proxy_protocol && settings.trusted_proxies.empty()) {
      ObjectReader(list.element(i))
          .place_of("proxy_protocol")
          .error("nobody is trusted to send PROXY headers", "their senders in \"trusted_proxies\"");
    }
  }
}

bool is_header_text(const Value& value, std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) return true;
  value.refuse("is not the value of a header field", "ASCII alone");
  return false;
}

std::optional<Settings::ContentSecurityPolicy> content_security_policy(const Value& value) {
  using Policy = Settings::ContentSecurityPolicy;
  const auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (*text == "off") return Policy{Policy::Kind::off, ""};
  if (*text == "default") return Policy{Policy::Kind::standard, ""};
  // Directives that need no value; a single other word is a slip of the hand.
  constexpr std::array<std::string_view, 2> kAlone{"upgrade-insecure-requests", "sandbox"};
  if (!text->contains(' ') && std::ranges::find(kAlone, *text) == kAlone.end()) {
    value.refuse("is not a policy",
                 R"("off", "default" or directives, such as "default-src 'self'")");
    return std::nullopt;
  }
  if (!is_header_text(value, *text)) return std::nullopt;
  return Policy{Policy::Kind::own, *text};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// RFC 6797 section 6.1: max-age, and optionally includeSubDomains and preload.
bool is_hsts(std::string_view text) {
  bool has_max_age = false;
  for (std::string_view rest = text;;) {
    const auto end = rest.find(';');
    const auto directive = trimmed(rest.substr(0, end));
    if (directive.starts_with("max-age=")) {
      const auto digits = directive.substr(8);
      if (has_max_age || digits.empty() || digits.size() > 10 ||
          digits.find_first_not_of("0123456789") != std::string_view::npos) {
        return false;
      }
      has_max_age = true;
    } else if (directive != "includeSubDomains" && directive != "preload") {
      return false;
    }
    if (end == std::string_view::npos) return has_max_age;
    rest.remove_prefix(end + 1);
  }
}

std::optional<std::optional<std::string>> hsts(const Value& value) {
  auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (*text == "off") return std::optional<std::string>{};
  if (!is_hsts(*text)) {
    value.refuse("is not the value of Strict-Transport-Security",
                 "\"off\" or \"max-age=SECONDS\", with \"; includeSubDomains\" and \"; preload\" "
                 "if need be");
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> ban_state(const Value& value) {
  auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (text->starts_with("redis://")) return text;
  return config::path(value);
}

void read_pin_guard(const Value& value, Settings::PinGuard& guard) {
  using Count = Settings::PinGuard::Count;
  constexpr unsigned kMostFailures = 10'000;
  ObjectReader object(value);
  object.read("enabled", guard.enabled, config::boolean);
  object.read("count", guard.count,
              config::choice<Count>(
                  {{"wrong_pins", Count::wrong_pins}, {"denied_tokens", Count::denied_tokens}}));
  object.read("max_failures", guard.max_failures, config::integer(1U, kMostFailures));
  object.read("find_time", guard.find_time, config::duration(1s, 24h * 7));
  object.read("ban_time", guard.ban_time, config::duration(1s, 24h * 365));
  object.read("ignore", guard.ignore, config::network_list);
  object.read("state", guard.state, config::nullable(ban_state));
  object.finish();
}

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

void read_limits(const Value& value, Settings::Limits& limits) {
  ObjectReader object(value);
  const auto connections = config::or_none(config::integer(std::uint64_t{0}, kMaxConnections));
  object.read("header_bytes", limits.header_bytes,
              bounded(kMinHeaderBytes, Settings::kMaxHeaderBytes, true));
  object.read("header_count", limits.header_count, bounded(1, Settings::kMaxHeaderCount, false));
  object.read("body_bytes", limits.body_bytes, config::or_none(config::size(kMaxBodyBytes)));
  object.read("connections", limits.connections, connections);
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
                                              {"json", Settings::AccessFormat::json}}));
  object.finish();
}

void read_admin(const Value& value, Settings::Admin& admin) {
  ObjectReader object(value);
  object.read("address", admin.address, config::nullable(config::loopback_address));
  object.read("socket", admin.socket, config::nullable(config::path));
  object.finish();
}

} // namespace
} // namespace rproxyd
