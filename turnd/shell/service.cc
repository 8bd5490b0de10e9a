#include "turnd/shell/service.h"

#include <algorithm>

#include "libcore/event/socket.h"
#include "turnd/shell/default_limits.h"
#include "turnd/shell/own_addresses.h"
#include "turnd/shell/system_random.h"

namespace turnd {
namespace {

core::IpAddress advertised(const Settings::Relay& relay, const core::IpAddress& own) {
  const auto external = relay.external_addresses.find(own);
  return external == relay.external_addresses.end() ? own : external->second;
}

// Many clients behind one address may begin at once: so many seconds' worth.
constexpr std::uint32_t kAnswersAtOnce = 10;

std::vector<UdpListenerAddress> udp_listeners(const Settings& settings,
                                              const Listeners& listeners) {
  std::vector<UdpListenerAddress> found;
  for (const auto& each : listeners.in_service()) {
    if (each->settings.transport != Settings::Transport::udp) continue;
    found.push_back(
        {.own = each->bound,
         .advertised = {advertised(settings.relay, each->bound.ip()), each->bound.port()}});
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

Service::Keys Service::Keys::random() {
  Keys keys;
  SystemRandom().fill(keys.nonces);
  SystemRandom().fill(keys.tickets);
  return keys;
}

Service::Service(const Settings& settings, unsigned workers, const Keys& keys, logging::Logger& log)
    : settings_(std::make_shared<const Settings>(settings)),
      log_(log),
      credentials_(credentials_of(settings)),
      keys_(keys),
      workers_(workers),
      limit_log_(log),
      quota_(quota_limits(settings, allowed_descriptors())),
      reservations_(workers) {
  set_relays();
}

std::shared_ptr<const Settings> Service::settings() const {
  const std::lock_guard lock(settings_mutex_);
  return settings_;
}

stun::NonceMaker Service::nonces() const {
  return {keys_.nonces, settings()->limits.nonce_lifetime};
}

// ---- a reload

core::Result<void> Service::check(const Settings& read) const {
  const auto& in_force = settings_->relay.addresses;
  for (const core::IpAddress& ip : read.relay.addresses) {
    if (std::ranges::find(in_force, ip) != in_force.end()) continue;
    const auto bound = event::bind_udp({ip, 0}, event::Sharing::exclusive);
    if (!bound) return core::failure("a relay address can't be used: " + bound.error().text);
  }
  const auto former = std::ranges::count_if(
      former_relays_, [](const FormerRelay& each) { return !each.in_use.expired(); });
  if (static_cast<std::size_t>(former) + read.relay.addresses.size() > kMaxRelayAddresses) {
    return core::failure(
        "too many former relay addresses still have allocations: try again when they have ended");
  }
  return {};
}

void Service::change_to(const Settings& settings) {
  auto next = std::make_shared<const Settings>(settings);
  {
    const std::lock_guard lock(settings_mutex_);
    settings_ = std::move(next);
  }
  credentials_ = credentials_of(*settings_);
  quota_.set_limits(quota_limits(*settings_, allowed_descriptors()));
  set_relays();
}

// A former address that serves again is the one it was.
void Service::set_relays() {
  const std::lock_guard lock(settings_mutex_); // others count the ports
  for (const RelayAddress& each : relays_) {
    former_relays_.push_back({.ip = each.ip, .advertised = each.advertised, .in_use = each.in_use});
  }
  relays_.clear();
  for (const core::IpAddress& ip : settings_->relay.addresses) {
    RelayAddress address{.ip = ip, .advertised = advertised(settings_->relay, ip)};
    std::erase_if(former_relays_, [&](const FormerRelay& former) {
      if (former.ip != ip || former.advertised != address.advertised)
        return former.in_use.expired();
      address.in_use = former.in_use.lock();
      return true;
    });
    if (!address.in_use) address.in_use = std::make_shared<PortsInUse>();
    relays_.push_back(std::move(address));
  }
}

// What isn't the workers'.
DaemonFigures Service::figures() {
  DaemonFigures figures;
  figures.reserved_ports = reservations_.count();
  figures.reloads = reloads_.figures();
  figures.loads = sibling_loads_.state();
  const std::lock_guard lock(settings_mutex_);
  const Settings::Relay& relay = settings_->relay;
  for (const RelayAddress& each : relays_) {
    figures.relays.push_back({.address = each.ip,
                              .ports = std::uint64_t{relay.last_port} - relay.first_port + 1,
                              .ports_used = each.in_use->count()});
  }
  return figures;
}

// As clients are told of them, or have been.
std::vector<core::IpAddress> Service::own_relays() const {
  std::vector<core::IpAddress> told;
  told.reserve(relays_.size());
  for (const RelayAddress& each : relays_) told.push_back(each.advertised);
  for (const FormerRelay& each : former_relays_) {
    const auto in_use = each.in_use.lock();
    if (in_use && !in_use->empty()) told.push_back(each.advertised);
  }
  return told;
}

// ---- what a worker's server is told

ServerConfig Service::server_config(unsigned worker, const Listeners& listeners) const {
  const Settings& settings = *settings_;
  const PortRange ports{.first = settings.relay.first_port, .last = settings.relay.last_port};
  ServerLimits limits;
  limits.max_lifetime = settings.limits.max_lifetime;
  limits.bandwidth_per_allocation = settings.limits.bandwidth_per_allocation;
  limits.permissions_per_allocation = settings.limits.permissions_per_allocation;
  limits.channels_per_allocation = settings.limits.channels_per_allocation;
  limits.connections_per_allocation = settings.limits.connections_per_allocation;
  const std::uint32_t answers = settings.limits.unauthenticated_answers_per_source;
  limits.unauthenticated_answers = {.per_second = answers, .burst = answers * kAnswersAtOnce};
  return {.relay_addresses = relays_,
          .ports = ports,
          .worker = worker,
          .workers = workers_,
          .peers = PeerPolicy(
              settings.peers.allow, settings.peers.deny,
              {.listeners = own_addresses(listeners.addresses(), settings.relay.external_addresses),
               .relays = own_relays(),
               .relay_ports = ports}),
          .udp_listeners = udp_listeners(settings, listeners),
          .stun_clients = settings.clients.stun,
          .turn_clients = settings.clients.turn,
          .draft_dual_allocation = settings.clients.draft_dual_allocation,
          .tcp_relay = settings.relay.tcp,
          .mobility = settings.clients.mobility,
          .ticket_key = keys_.tickets,
          .last_channel =
              settings.clients.rfc5766_channels ? stun::kLastChannelRfc5766 : stun::kLastChannel,
          .limits = limits,
          .alternate = {.servers = settings.alternate.servers,
                        .domain = settings.alternate.domain,
                        .when = static_cast<AlternateServers::When>(settings.alternate.when)}};
}

} // namespace turnd
