// What all workers share, made from the settings before any of them runs. Quota, reservations,
// connections with peers, the whereabouts of mobile allocations and the loads of other servers change
// afterwards, and with a reload the settings and what is made of them.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/error.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"
#include "libcore/program/reload.h"
#include "libcore/stun/nonce.h"
#include "turnd/relay/credentials.h"
#include "turnd/relay/server.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/daemon_figures.h"
#include "turnd/shell/fellow_workers.h"
#include "turnd/shell/limit_log.h"
#include "turnd/shell/listeners.h"
#include "turnd/shell/shared_mobile_allocations.h"
#include "turnd/shell/shared_peer_connections.h"
#include "turnd/shell/shared_quota.h"
#include "turnd/shell/shared_reservations.h"
#include "turnd/shell/shared_sibling_loads.h"

namespace turnd {

std::shared_ptr<const Credentials> credentials_of(const Settings& settings);

class Service {
 public:
  // Relay addresses, former ones included that allocations are still on; as what they are advertised
  // counts, too.
  static constexpr std::size_t kMaxRelayAddresses = 256;

  // What nonces and tickets are made with.
  struct Keys {
    stun::NonceMaker::Key nonces{};
    TicketMaker::Key tickets{};
    static Keys random();
  };

  // `log` must outlive the service.
  Service(const Settings& settings, unsigned workers, const Keys& keys, logging::Logger& log);

  ServerConfig server_config(unsigned worker, const Listeners& listeners) const;
  Authenticator authenticator() const { return {credentials_, nonces()}; }
  std::shared_ptr<const Credentials> credentials() const { return credentials_; }
  stun::NonceMaker nonces() const;

  // In force just now. From any thread, as the logger and what follows it.
  std::shared_ptr<const Settings> settings() const;
  logging::Logger& log() { return log_; }
  unsigned workers() const { return workers_; }
  const Keys& keys() const { return keys_; }
  LimitLog& limit_log() { return limit_log_; }
  Quota& quota() { return quota_; }
  SharedReservations& reservations() { return reservations_; }
  MobileAllocations& mobile_allocations() { return mobile_allocations_; }
  SharedPeerConnections& peer_connections() { return peer_connections_; }
  SharedSiblingLoads& sibling_loads() { return sibling_loads_; }
  FellowWorkers& fellows() { return fellows_; }
  program::ReloadRecord& reloads() { return reloads_; }
  // Of the relay addresses, reservations, loads and reloads. From any thread.
  DaemonFigures figures();

  // A reload, on the thread that calls it: whether these settings can be served, and then what can't
  // fail.
  core::Result<void> check(const Settings& settings) const;
  void change_to(const Settings& settings);

 private:
  void set_relays();
  std::vector<core::IpAddress> own_relays() const;

  std::shared_ptr<const Settings> settings_;
  logging::Logger& log_;
  std::shared_ptr<const Credentials> credentials_;
  const Keys keys_;
  unsigned workers_;
  LimitLog limit_log_;
  SharedQuota quota_;
  SharedReservations reservations_;
  std::vector<RelayAddress> relays_; // those that serve
  struct FormerRelay {
    core::IpAddress ip;
    core::IpAddress advertised;
    std::weak_ptr<PortsInUse> in_use; // as long as a worker has it
  };
  std::vector<FormerRelay> former_relays_;
  SharedMobileAllocations mobile_allocations_;
  SharedPeerConnections peer_connections_;
  SharedSiblingLoads sibling_loads_;
  FellowWorkers fellows_;
  program::ReloadRecord reloads_{event::read_now().wall};
  mutable std::mutex settings_mutex_;
};

} // namespace turnd
