#include "rproxyd/shell/service.h"

#include <algorithm>

#include "libcore/event/loop.h"
#include "libcore/tls/certificate.h"
#include "rproxyd/proxy/acme_challenge.h"
#include "rproxyd/shell/answers.h"
#include "rproxyd/shell/routes.h"

namespace rproxyd {
namespace {

core::Result<std::vector<tls::Certificate>> certificates_of(const core::SocketAddress& address,
                                                            const Settings::Tls& settings,
                                                            logging::Logger& log) {
  std::vector<tls::Certificate> certificates;
  for (const config::CertificateFiles& files : settings.certificates) {
    auto certificate = tls::load_certificate(files.certificate, files.key);
    if (!certificate) return std::unexpected(certificate.error());
    certificates.push_back(std::move(*certificate));
  }
  if (!certificates.empty()) return certificates;

  const core::IpAddress ip = address.ip();
  std::vector<std::string> names{"localhost"};
  if (!ip.is_unspecified()) names.push_back(ip.to_string());
  auto own = tls::make_self_signed(names, event::read_now().wall);
  if (!own) return std::unexpected(own.error());
  log.warning("certificate.self_signed",
              "no certificate is configured: a self-signed one was made, which browsers refuse",
              logging::field("listener", address),
              logging::field("sha256", own->sha256_fingerprint()));
  certificates.push_back(std::move(*own));
  return certificates;
}

core::Result<std::shared_ptr<const tls::ServerContext>> tls_of(
    const Settings::Listener& listener, const std::shared_ptr<tls::TicketKeys>& tickets,
    logging::Logger& log) {
  if (!listener.tls) return nullptr;
  auto certificates = certificates_of(listener.address, *listener.tls, log);
  if (!certificates) return std::unexpected(certificates.error());
  tls::ServerPolicy policy{.alpn = {"h2", "http/1.1"}};
  if (listener.turn) policy.alpn.emplace_back("stun.turn"); // RFC 7443
  if (listener.tls->min_version == Settings::TlsVersion::tls1_3)
    policy.min_version = TLS1_3_VERSION;
  if (listener.tls->compatible_suites) policy.suites = tls::Suites::compatible;
  policy.tickets = tickets;
  return tls::ServerContext::make(*certificates, policy);
}

RetryPolicy retry_of(const Settings::Retry& from) {
  return {.on_connect = from.on_connect,
          .on_timeout = from.on_timeout,
          .on_status = from.on_status,
          .attempts = from.attempts,
          .non_idempotent = from.non_idempotent};
}

// The port that browsers are sent to from plain HTTP: 443 where anything listens there.
std::uint16_t https_port_of(const Settings& settings) {
  std::uint16_t port = 0;
  for (const Settings::Listener& listener : settings.listeners) {
    if (listener.tls && (port == 0 || listener.address.port() == 443))
      port = listener.address.port();
  }
  return port == 0 ? 443 : port;
}

UnderscoreNames underscore_names_of(Settings::UnderscoreHeaders from) {
  switch (from) {
    case Settings::UnderscoreHeaders::drop:
      return UnderscoreNames::drop;
    case Settings::UnderscoreHeaders::keep:
      return UnderscoreNames::keep;
    case Settings::UnderscoreHeaders::refuse:
      return UnderscoreNames::refuse;
  }
  return UnderscoreNames::drop;
}

MessageLimits limits_of(const Settings::Limits& from) {
  MessageLimits limits;
  limits.header_bytes =
      static_cast<std::size_t>(std::min(from.header_bytes, Settings::kMaxHeaderBytes));
  limits.header_count =
      static_cast<std::size_t>(std::min(from.header_count, Settings::kMaxHeaderCount));
  limits.body_bytes = from.body_bytes == config::kNoLimit ? 0 : from.body_bytes;
  limits.streams =
      static_cast<std::uint32_t>(std::min(from.streams_per_connection, Settings::kMaxStreams));
  return limits;
}

} // namespace

core::Result<std::unique_ptr<Service>> Service::make(const Settings& settings,
                                                     logging::Logger& log) {
  auto service = std::make_unique<Service>();
  service->settings = &settings;
  service->log = &log;
  service->connections = std::make_unique<ConnectionLimits>(settings.limits.connections,
                                                            settings.limits.connections_per_client);

  ExchangeRules rules; // what all listeners have in common
  std::vector<std::string> pool_names;
  for (const auto& [name, pool] : settings.pools) {
    pool_names.push_back(name);
    service->pools.push_back(std::make_unique<SharedPool>(name, pool));
    rules.retry.push_back(retry_of(pool.retry));
    rules.cookies.push_back(pool.affinity == Settings::Affinity::cookie);
  }
  auto names = NameWatch::begin(settings.dns, service->pools, log);
  if (!names) return std::unexpected(names.error());
  service->names = std::move(*names);
  service->routes = std::make_unique<RouteTable>(route_table(settings, pool_names));
  auto answers = answer_rules(settings);
  if (!answers) return std::unexpected(answers.error());
  service->answers = *std::move(answers);

  rules.routes = service->routes.get();
  rules.answers = &service->answers;
  service->compression = compression_rules(settings.compression);
  service->compression.at_work = &service->compressors;
  if (settings.compression.enabled) rules.compression = &service->compression;
  rules.forwarded = settings.forwarded;
  rules.timeouts = {.body = settings.timeouts.body,
                    .connect = settings.timeouts.connect,
                    .response = settings.timeouts.response,
                    .stream_idle = settings.timeouts.stream_idle};
  rules.https_port = https_port_of(settings);
  for (const Settings::Listener& listener : settings.listeners) {
    service->challenges.push_back(listener.acme_challenges
                                      ? challenge_routes(*listener.acme_challenges)
                                      : std::vector<Route>{});
    service->rules.push_back(rules);
    service->rules.back().redirect_https = listener.redirect_https;
  }
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) { // they stay where they are now
    if (!service->challenges[i].empty()) service->rules[i].challenges = &service->challenges[i];
  }
  service->limits = limits_of(settings.limits);
  service->limits.underscore_names = underscore_names_of(settings.underscore_headers);
  service->limits.content_security_policy = service->answers.content_security_policy;

  for (const Settings::Listener& listener : settings.listeners) {
    auto context = tls_of(listener, service->tickets, log);
    if (!context) return std::unexpected(context.error());
    service->tls_.push_back(std::move(*context));
  }
  if (settings.pin_guard.enabled) {
    auto guard = SharedGuard::make(settings.pin_guard, log, event::read_now());
    if (!guard) return std::unexpected(guard.error());
    service->guard = std::move(*guard);
  }
  return service;
}

// With the certificates that are configured now for the same address; a certificate that was made here
// stays, and so does everything of a listener that is no longer among them.
core::Result<TlsContexts> Service::load_tls(
    const std::vector<Settings::Listener>& listeners) const {
  TlsContexts contexts;
  for (std::size_t i = 0; i < settings->listeners.size(); ++i) {
    Settings::Listener running = settings->listeners[i];
    const auto found = std::ranges::find_if(listeners, [&](const Settings::Listener& each) {
      return each.address == running.address && each.tls && !each.tls->certificates.empty();
    });
    const std::optional<Settings::Tls> read = found == listeners.end() ? std::nullopt : found->tls;
    if (!running.tls || !read) {
      contexts.push_back(tls(i));
      continue;
    }
    running.tls->certificates = read->certificates;
    auto context = tls_of(running, tickets, *log);
    if (!context) return std::unexpected(context.error());
    contexts.push_back(std::move(*context));
  }
  return contexts;
}

void Service::set_tls(TlsContexts tls) {
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

std::shared_ptr<const tls::ServerContext> Service::tls(std::size_t listener) const {
  const std::lock_guard lock(tls_mutex_);
  return tls_[listener];
}

} // namespace rproxyd
