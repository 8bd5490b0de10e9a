// What all workers share, made once from the settings. Of it certificates and the servers of pools may
// change while they run.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"
#include "libcore/program/reload.h"
#include "libcore/tls/server_context.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/proxy/exchange.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/abuse_counts.h"
#include "rproxyd/shell/connection_limits.h"
#include "rproxyd/shell/name_watch.h"
#include "rproxyd/shell/shared_guard.h"
#include "rproxyd/shell/shared_pool.h"

namespace rproxyd {

using TlsContexts = std::vector<std::shared_ptr<const tls::ServerContext>>;

struct Service {
  const Settings* settings = nullptr;
  logging::Logger* log = nullptr;
  std::vector<std::unique_ptr<SharedPool>> pools; // by Route::pool
  std::unique_ptr<NameWatch> names;
  std::unique_ptr<RouteTable> routes;
  AnswerRules answers;
  CompressionRules compression;
  std::atomic<unsigned> compressors = 0;      // at work, of all workers
  std::unique_ptr<SharedGuard> guard;         // null: off
  std::vector<std::vector<Route>> challenges; // of ACME, a listener each; empty: none
  std::vector<ExchangeRules> rules;           // a listener each
  MessageLimits limits;
  std::shared_ptr<tls::TicketKeys> tickets = std::make_shared<tls::TicketKeys>();
  std::unique_ptr<ConnectionLimits> connections;
  AbuseCounts abuse;
  program::ReloadRecord reloads{event::read_now().wall};

  // `settings` and `log` must outlive the service. Loads certificates, resolves names.
  static core::Result<std::unique_ptr<Service>> make(const Settings& settings,
                                                     logging::Logger& log);

  // For each listener that is open, with the certificates that `listeners` has for its address; null:
  // plain. set_tls() is for the connections that come from then on. Both may be called by any thread.
  core::Result<TlsContexts> load_tls(const std::vector<Settings::Listener>& listeners) const;
  void set_tls(TlsContexts tls);
  std::shared_ptr<const tls::ServerContext> tls(std::size_t listener) const;

 private:
  mutable std::mutex tls_mutex_;
  TlsContexts tls_;
};

} // namespace rproxyd
