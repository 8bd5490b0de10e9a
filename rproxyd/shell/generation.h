// What one reading of the configuration says, in the form that the workers go by. It never changes: a
// reload makes the next one. Each worker takes that up in one step, its client connections with it; an
// exchange keeps the one that it began under, and ends by its rules.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/log/line_file.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/server_context.h"
#include "rproxyd/guard/token_paths.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/proxy/exchange.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/shared_guard.h"
#include "rproxyd/shell/shared_pool.h"

namespace rproxyd {

struct Service;

// A listener from its opening to its closing, however its settings change; never used again.
enum class ListenerId : std::uint32_t {};

struct ListenerRules {
  ListenerId id{};
  Settings::Listener settings;
  std::shared_ptr<const tls::ServerContext> tls; // null: plain
  std::shared_ptr<const std::vector<tls::Certificate>>
      own;                       // made here, for want of configured ones
  std::vector<Route> challenges; // of ACME; empty: none
  ExchangeRules exchange;
};

struct Generation {
  Settings settings;
  std::vector<std::shared_ptr<SharedPool>> pools; // by Route::pool
  std::shared_ptr<SharedGuard> guard;             // null: off
  TokenPaths token_paths{{}};                     // that it looks at
  RouteTable routes{{}};
  std::shared_ptr<logging::LineFile> access_log; // null: none
  AnswerRules answers;
  CompressionRules compression;
  MessageLimits limits; // refers to `answers`
  std::vector<ListenerRules> listeners;
  std::vector<std::string> authorities; // by Route::pool: what the pool's ca_file holds
  std::uint32_t listeners_so_far = 0; // of this and all generations before: the highest ListenerId

  // nullptr: it is not among them (any more).
  const ListenerRules* listener(ListenerId id) const;

  // Loads the files that the settings name. Pools and listeners that `former` has too (null: there is
  // none) are taken from it. Nothing that is in force changes by this.
  static core::Result<std::shared_ptr<const Generation>> make(const Settings& settings,
                                                              Service& service,
                                                              std::shared_ptr<SharedGuard> guard,
                                                              const Generation* former);
};

} // namespace rproxyd
