// What all workers share, and what of it is in force now.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "libcore/base/error.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"
#include "libcore/program/reload.h"
#include "libcore/tls/ticket_keys.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/abuse_counts.h"
#include "rproxyd/shell/connection_limits.h"
#include "rproxyd/shell/generation.h"
#include "rproxyd/shell/name_watch.h"
#include "rproxyd/shell/shared_guard.h"

namespace rproxyd {

struct Service {
  logging::Logger* log = nullptr;
  std::unique_ptr<NameWatch> names;
  std::atomic<unsigned> compressors = 0; // at work, of all workers
  std::shared_ptr<SharedGuard> guard;    // null: off
  std::shared_ptr<tls::TicketKeys> tickets = std::make_shared<tls::TicketKeys>();
  std::unique_ptr<ConnectionLimits> connections;
  AbuseCounts abuse;
  program::ReloadRecord reloads{event::read_now().wall};

  // `log` must outlive the service. Loads certificates, resolves names.
  static core::Result<std::unique_ptr<Service>> make(const Settings& settings,
                                                     logging::Logger& log);

  // From any thread. A worker's own is what that worker goes by: it may take up a new one a moment later.
  std::shared_ptr<const Generation> generation() const;
  void set_generation(std::shared_ptr<const Generation> generation);

 private:
  mutable std::mutex mutex_; // over what follows
  std::shared_ptr<const Generation> generation_;
};

} // namespace rproxyd
