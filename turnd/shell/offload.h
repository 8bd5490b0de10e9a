// Whether this process relays in the kernel, and if it doesn't, why: the workers' program and its maps.
// docs/decisions/0070-relaying-in-the-kernel.md has the design.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/event/loop.h"
#include "libcore/log/log.h"
#include "libcore/take_over/giving.h"
#include "turnd/offload/kernel_relay.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/daemon_figures.h"

namespace turnd {

class Worker;

class Offload final : private event::DeadlineHandler {
 public:
  // Of all workers together: channels, both directions each.
  static constexpr std::uint32_t kBindings = 65'536;
  // After a take-over the interfaces are free as soon as the old process has detached.
  static constexpr core::Duration kTryAgain = std::chrono::milliseconds(200);
  static constexpr int kTries = 50;

  // Must outlive the workers' threads.
  explicit Offload(const Settings& settings);
  ~Offload();

  // First, while this process has the rights for it.
  void load();
  // Then one of these: before the workers run, or, where another process may be about to detach, on the
  // thread of `loop`. An error: the settings demand what can't be had. What can't be had and isn't
  // demanded is said in the log.
  core::Result<void> start(const std::vector<Worker*>& workers, logging::Logger& log);
  void start_when_free(const std::vector<Worker*>& workers, event::Loop& loop,
                       logging::Logger& log);

  // In a take-over, by threads of its own: what the new process adopts, and what that says of it. It is none
  // of `portion`'s if it isn't for this.
  core::Result<void> offer(take_over::Portions& to) const;
  static bool is_offer(const take_over::Message& portion);
  // Before start_when_free(), which then does nothing. What is of another program or for other interfaces is
  // left alone.
  void adopt(take_over::Message& portion);
  // After the workers have what clients had, and before anybody else lets it go.
  void go_on(const std::vector<std::unique_ptr<Worker>>& workers, logging::Logger& log);
  // And then, when nobody else can serve any more.
  void end_others();

  // From any thread: this process has nothing forwarded any more by the kernel.
  void stop();
  // From any thread.
  OffloadState state() const;

 private:
  core::Result<std::unique_ptr<KernelRelay>> loaded() const;
  void give_to(const std::vector<Worker*>& workers);
  void set_active(logging::Logger& log);
  core::Result<void> do_without(const std::string& why);
  void on_deadline(int kind) override;

  const Settings::Offload settings_;
  const std::vector<core::IpAddress> addresses_;
  logging::Logger* log_ = nullptr;
  std::unique_ptr<KernelRelay> kernel_; // of load() or adopt(), never changed afterwards
  bool adopted_ = false;
  std::vector<Worker*> waiting_; // for the interfaces to be free
  event::Loop* loop_ = nullptr;
  int tries_left_ = 0;
  core::Deadline retry_{static_cast<event::DeadlineHandler*>(this)};
  mutable std::mutex mutex_; // of what follows
  bool active_ = false;
  std::string why_not_;
};

} // namespace turnd
