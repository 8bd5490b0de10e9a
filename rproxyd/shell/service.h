// What all workers share, and what of it is in force now.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "libcore/config/limit.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"
#include "libcore/program/reload.h"
#include "libcore/tls/ticket_keys.h"
#include "rproxyd/shell/abuse_counts.h"
#include "rproxyd/shell/connection_limits.h"
#include "rproxyd/shell/generation.h"
#include "rproxyd/shell/name_watch.h"
#include "rproxyd/shell/shared_guard.h"

namespace rproxyd {

struct Service {
  logging::Logger* const log;
  std::unique_ptr<NameWatch> names;      // once there is a generation
  std::atomic<unsigned> compressors = 0; // at work, of all workers
  // Null: it has never been on. Who needs it takes it from a generation, which has it while it is on.
  std::shared_ptr<SharedGuard> guard;
  // Of the pools of a process that was taken over from: backends are still known by the same keys.
  std::map<std::string, std::string> key_salts;
  std::shared_ptr<tls::TicketKeys> tickets = std::make_shared<tls::TicketKeys>();
  ConnectionLimits connections{config::kNoLimit, config::kNoLimit};
  AbuseCounts abuse;
  program::ReloadRecord reloads{event::read_now().wall};

  // `log` must outlive the service. A Change brings the first generation, as all others.
  explicit Service(logging::Logger& to) : log(&to) {}

  // From any thread. A worker's own is what that worker goes by: it may take up a new one a moment later.
  std::shared_ptr<const Generation> generation() const;
  void set_generation(std::shared_ptr<const Generation> generation);

 private:
  mutable std::mutex mutex_; // over what follows
  std::shared_ptr<const Generation> generation_;
};

} // namespace rproxyd
