#include "turnd/shell/service.h"

#include <algorithm>

#include "libcore/event/loop.h"
#include "libcore/tls/certificate.h"
#include "turnd/shell/default_limits.h"
#include "turnd/shell/own_addresses.h"
#include "turnd/shell/system_random.h"

namespace turnd {
namespace {

core::Result<std::vector<tls::Certificate>> certificates_of(const Settings::Listener& listener,
                                                            logging::Logger& log) {
  const core::WallTime now = event::read_now().wall;
  std::vector<tls::Certificate> certificates;
  for (const config::CertificateFiles& files : listener.certificates) {
    auto certificate = tls::load_certificate(files.certificate, files.key);
    if (!certificate) return std::unexpected(certificate.error());
    for (const std::string& warning : tls::warnings(*certificate, now)) {
      log.warning("certificate", warning);
    }
    certificates.push_back(std::move(*certificate));
  }
  if (!certificates.empty()) return certificates;

  const core::IpAddress ip = listener.address.ip();
  std::vector<std::string> names{"localhost"};
  if (!ip.is_unspecified()) names.push_back(ip.to_string());
  auto own = tls::make_self_signed(names, now);
  if (!own) return std::unexpected(own.error());
  log.warning("certificate.self_signed",
              "no certificate is configured: a self-signed one was made, which clients may refuse",
              logging::field("listener", listener.address),
              logging::field("sha256", own->sha256_fingerprint()));
  certificates.push_back(std::move(*own));
  return certificates;
}

core::Result<std::shared_ptr<const tls::ServerContext>> tls_of(const Settings::Listener& listener,
                                                               logging::Logger& log) {
  const bool datagrams = listener.transport == Settings::Transport::dtls;
  if (!datagrams && listener.transport != Settings::Transport::tls) return nullptr;
  auto certificates = certificates_of(listener, log);
  if (!certificates) return std::unexpected(certificates.error());
  return tls::ServerContext::make(*certificates,
                                  {.datagrams = datagrams, .alpn = {"stun.turn"}}); // RFC 7443
}

core::IpAddress advertised(const Settings::Relay& relay, const core::IpAddress& own) {
  const auto external = relay.external_addresses.find(own);
  return external == relay.external_addresses.end() ? own : external->second;
}

// Many clients behind one address may begin at once: so many seconds' worth.
constexpr std::uint32_t kAnswersAtOnce = 10;

// `bound` is in the order of the settings.
std::vector<UdpListenerAddress> udp_listeners(const Settings& settings,
                                              const std::vector<core::SocketAddress>& bound) {
  std::vector<UdpListenerAddress> found;
  for (std::size_t i = 0; i < bound.size(); ++i) {
    if (settings.listeners[i].transport != Settings::Transport::udp) continue;
    found.push_back({.own = bound[i],
                     .advertised = {advertised(settings.relay, bound[i].ip()), bound[i].port()}});
  }
  return found;
}

} // namespace

std::shared_ptr<const Credentials> credentials_of(const Settings& settings) {
  const Settings::Credentials& given = settings.credentials;
  std::optional<ThirdParty> third_party;
  if (given.oauth) {
    third_party.emplace(given.oauth->server_name, std::vector<ThirdParty::TokenKey>());
    for (const auto& key : given.oauth->keys) {
      third_party->keys.push_back({key.id, key.algorithm, key.key});
    }
  }
  return std::make_shared<Credentials>(settings.realm, given.users, given.shared_secrets,
                                       given.stored_users, std::move(third_party));
}

core::Result<std::unique_ptr<Service>> Service::make(const Settings& settings, unsigned workers,
                                                     logging::Logger& log) {
  stun::NonceMaker::Key nonce_key;
  TicketMaker::Key ticket_key;
  SystemRandom().fill(nonce_key);
  SystemRandom().fill(ticket_key);
  std::unique_ptr<Service> service(new Service(settings, workers, log, nonce_key, ticket_key));
  for (const Settings::Listener& listener : settings.listeners) {
    auto context = tls_of(listener, log);
    if (!context) return std::unexpected(context.error());
    service->tls_.push_back(std::move(*context));
  }
  return service;
}

Service::Service(const Settings& settings, unsigned workers, logging::Logger& log,
                 const stun::NonceMaker::Key& nonce_key, const TicketMaker::Key& ticket_key)
    : settings_(settings),
      log_(log),
      credentials_(credentials_of(settings)),
      nonces_(nonce_key, settings.limits.nonce_lifetime),
      workers_(workers),
      limit_log_(log),
      quota_(quota_limits(settings, allowed_descriptors())),
      reservations_(workers),
      ticket_key_(ticket_key) {
  for (std::size_t i = 0; i < settings.relay.addresses.size(); ++i) {
    ports_in_use_.push_back(std::make_shared<PortsInUse>());
  }
}

std::shared_ptr<const tls::ServerContext> Service::tls(std::size_t listener) const {
  const std::lock_guard lock(tls_mutex_);
  return tls_[listener];
}

core::Result<TlsContexts> Service::load_tls(
    const std::vector<Settings::Listener>& listeners) const {
  TlsContexts contexts;
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
    const Settings::Listener& running = settings_.listeners[i];
    const auto found = std::ranges::find_if(listeners, [&](const Settings::Listener& each) {
      return each.transport == running.transport && each.address == running.address;
    });
    if (found == listeners.end() || found->certificates.empty()) {
      contexts.push_back(tls(i));
      continue;
    }
    auto context = tls_of(*found, log_);
    if (!context) return std::unexpected(context.error());
    contexts.push_back(std::move(*context));
  }
  return contexts;
}

void Service::set_tls(TlsContexts tls) {
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

ServerConfig Service::server_config(unsigned worker,
                                    const std::vector<core::SocketAddress>& bound) const {
  std::vector<RelayAddress> relay_addresses;
  std::vector<core::IpAddress> told;
  relay_addresses.reserve(settings_.relay.addresses.size());
  for (const core::IpAddress& ip : settings_.relay.addresses) {
    relay_addresses.push_back(
        {ip, advertised(settings_.relay, ip), ports_in_use_[relay_addresses.size()]});
    told.push_back(relay_addresses.back().advertised);
  }
  const PortRange ports{.first = settings_.relay.first_port, .last = settings_.relay.last_port};
  ServerLimits limits;
  limits.max_lifetime = settings_.limits.max_lifetime;
  limits.bandwidth_per_allocation = settings_.limits.bandwidth_per_allocation;
  limits.permissions_per_allocation = settings_.limits.permissions_per_allocation;
  limits.channels_per_allocation = settings_.limits.channels_per_allocation;
  limits.connections_per_allocation = settings_.limits.connections_per_allocation;
  const std::uint32_t answers = settings_.limits.unauthenticated_answers_per_source;
  limits.unauthenticated_answers = {.per_second = answers, .burst = answers * kAnswersAtOnce};
  return {
      .relay_addresses = std::move(relay_addresses),
      .ports = ports,
      .worker = worker,
      .workers = workers_,
      .peers = PeerPolicy(settings_.peers.allow, settings_.peers.deny,
                          {.listeners = own_addresses(bound, settings_.relay.external_addresses),
                           .relays = std::move(told),
                           .relay_ports = ports}),
      .udp_listeners = udp_listeners(settings_, bound),
      .stun_clients = settings_.clients.stun,
      .turn_clients = settings_.clients.turn,
      .draft_dual_allocation = settings_.clients.draft_dual_allocation,
      .tcp_relay = settings_.relay.tcp,
      .mobility = settings_.clients.mobility,
      .ticket_key = ticket_key_,
      .last_channel =
          settings_.clients.rfc5766_channels ? stun::kLastChannelRfc5766 : stun::kLastChannel,
      .limits = limits,
      .alternate = {.servers = settings_.alternate.servers,
                    .domain = settings_.alternate.domain,
                    .when = static_cast<AlternateServers::When>(settings_.alternate.when)}};
}

} // namespace turnd
