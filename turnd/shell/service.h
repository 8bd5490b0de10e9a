// What all workers share, made from the settings before any of them runs. Quota, reservations,
// connections with peers and the whereabouts of mobile allocations change afterwards, and with a
// reload what clients see of TLS.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"
#include "libcore/program/reload.h"
#include "libcore/stun/nonce.h"
#include "libcore/tls/server_context.h"
#include "turnd/relay/credentials.h"
#include "turnd/relay/server.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/fellow_workers.h"
#include "turnd/shell/limit_log.h"
#include "turnd/shell/shared_mobile_allocations.h"
#include "turnd/shell/shared_peer_connections.h"
#include "turnd/shell/shared_quota.h"
#include "turnd/shell/shared_reservations.h"

namespace turnd {

// By listener; nullptr for those without TLS.
using TlsContexts = std::vector<std::shared_ptr<const tls::ServerContext>>;

std::shared_ptr<const Credentials> credentials_of(const Settings& settings);

class Service {
 public:
  // Loads certificates. `settings` and `log` must outlive the service.
  static core::Result<std::unique_ptr<Service>> make(const Settings& settings, unsigned workers,
                                                     logging::Logger& log);

  // `bound`: the addresses of all listeners.
  ServerConfig server_config(unsigned worker, const std::vector<core::SocketAddress>& bound) const;
  Authenticator authenticator() const { return {credentials_, nonces_}; }

  const Settings& settings() const { return settings_; }
  logging::Logger& log() { return log_; }
  unsigned workers() const { return workers_; }
  LimitLog& limit_log() { return limit_log_; }
  Quota& quota() { return quota_; }
  SharedReservations& reservations() { return reservations_; }
  MobileAllocations& mobile_allocations() { return mobile_allocations_; }
  SharedPeerConnections& peer_connections() { return peer_connections_; }
  FellowWorkers& fellows() { return fellows_; }
  program::ReloadRecord& reloads() { return reloads_; }
  // In force just now, for one connection; nullptr for listeners without TLS. From any thread.
  std::shared_ptr<const tls::ServerContext> tls(std::size_t listener) const;

  // With the certificates that these listeners have; a running listener that isn't among them, or for
  // which a certificate was made, keeps what it has.
  core::Result<TlsContexts> load_tls(const std::vector<Settings::Listener>& listeners) const;
  void set_tls(TlsContexts tls);

 private:
  Service(const Settings& settings, unsigned workers, logging::Logger& log,
          const stun::NonceMaker::Key& nonce_key, const TicketMaker::Key& ticket_key);

  const Settings& settings_;
  logging::Logger& log_;
  std::shared_ptr<const Credentials> credentials_;
  stun::NonceMaker nonces_;
  unsigned workers_;
  LimitLog limit_log_;
  SharedQuota quota_;
  SharedReservations reservations_;
  std::vector<std::shared_ptr<PortsInUse>> ports_in_use_; // by relay address
  SharedMobileAllocations mobile_allocations_;
  SharedPeerConnections peer_connections_;
  FellowWorkers fellows_;
  TicketMaker::Key ticket_key_;
  program::ReloadRecord reloads_{event::read_now().wall};
  mutable std::mutex tls_mutex_;
  TlsContexts tls_;
};

} // namespace turnd
