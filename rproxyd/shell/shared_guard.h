// The PIN guard as all workers see it: a PinGuard behind a lock, and a thread of its own that writes
// what happened to the audit log and the bans to their file, so that no loop waits for a disk.
//
// The lock is taken for token requests, and for others and at accept only while there are bans:
// who keeps a client's connection remembers what ban_of() said until version() changes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/log/line_file.h"
#include "libcore/log/log.h"
#include "rproxyd/guard/fleet_replica.h"
#include "rproxyd/guard/token_gate.h"
#include "rproxyd/settings/settings.h"
#include "rproxyd/shell/ban_store.h"
#include "rproxyd/shell/fleet_store.h"

namespace rproxyd {

class SharedGuard final : public TokenDesk, private FleetDesk {
 public:
  using Answer = Settings::PinGuard::Answer;

  // Reads the bans that were kept. `log` must outlive it.
  static core::Result<std::unique_ptr<SharedGuard>> make(const Settings::PinGuard& settings,
                                                         logging::Logger& log,
                                                         const core::Now& now);
  ~SharedGuard(); // what is still to be written is

  // Other rules: what was counted, and the bans, stay. prepare() opens the files that they name, and
  // adds what it finds there; nothing is in force before apply(), which can't fail.
  struct Change {
    GuardRules rules;
    logging::Format audit_format = logging::Format::text;
    std::optional<BanStore> store;
    std::vector<Ban> found;                       // in a file that has not been this guard's before
    std::unique_ptr<logging::LineFile> audit_log; // null: none
    bool shared = false;                          // with other machines
    std::unique_ptr<FleetStore> fleet_store;      // null: as before
  };
  core::Result<Change> prepare(const Settings::PinGuard& settings, const core::Now& now);
  void apply(Change change, const core::Now& now);

  void reopen_audit_log(); // by the thread that calls apply()

  bool dry_run() const { return dry_run_.load(std::memory_order_relaxed); }

  Admission admit(const PinAttempt& attempt, const Wake& wake, const core::Now& now) override;
  Admission decide(const std::string& claim, const core::Now& now) override;
  void abandon(const std::string& claim, const core::Now& now) override;
  void settle(const Ticket& ticket, Outcome outcome, const core::Now& now) override;

  struct BanNotice {
    core::TimePoint until{};
    bool tokens_only = false;
  };
  // The ban that is in force for a client; none in a dry run.
  std::optional<BanNotice> ban_of(const core::IpAddress& client, const core::Now& now);
  // Changes with every ban that is made or lifted, and with the rules. Those that end say when.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // At accept: whether a ban keeps this client from connecting.
  bool refuses_connection(const core::IpAddress& peer, const core::Now& now);

  // For people. `duration` absent: the configured one.
  std::vector<Ban> bans(const core::Now& now);
  bool ban(const ClientNetwork& network, std::optional<core::Duration> duration,
           const core::Now& now);
  bool lift(const ClientNetwork& network, const core::Now& now);
  std::size_t lift_all(const core::Now& now);

  // For a process that takes over from this one. give() says what is known; what is settled from then on
  // the observer is told, on the thread that settles it. Then either keep(), and all is as before, or
  // handed_over(): the files are the other one's.
  using Observer = std::function<void(const PinAttempt&, Outcome)>;
  GuardState give(Observer observer, const core::Now& now);
  void keep();
  void handed_over();
  // The other one's part: in place of the bans that were kept, and of what was counted.
  void adopt(const GuardState& state, const core::Now& now);
  void count(const PinAttempt& attempt, Outcome outcome, const core::Now& now);

  struct Counters : GuardCounters {
    std::uint64_t connections_refused = 0;
    std::uint64_t bans_in_force = 0;
    std::optional<FleetFigures> fleet = {}; // where counts are shared
  };
  Counters counters();

 private:
  explicit SharedGuard(logging::Logger& log) : log_(log), guard_({}) {}
  void begin(const core::Now& now);
  void after_change(); // with the lock held
  void write_until_stopped();
  void write_events(const std::vector<GuardEvent>& events);
  bool save_bans(const std::vector<Ban>& bans);
  bool is_unsaved() const; // with the lock held

  // With the lock held. The guard's clock is Redis' where counts are shared.
  core::Now guard_time(const core::Now& now) const;
  core::TimePoint local(core::TimePoint time) const;
  GuardState state_here(const core::Now& now);
  void adopt_here(GuardState state, const core::Now& now);
  void share(bool together, const std::string& name, const core::Now& now);
  void take_up(Change change, const FleetStore* store, const core::Now& now);
  // Without it: they take it, and then wake and poke whom it concerns.
  Admission asked(const std::function<Admission()>& ask);
  void told(const std::function<void()>& tell);
  void poke_store();
  void leave_store(const core::Now& now);
  void replace_store(std::unique_ptr<FleetStore> store); // ends the one before

  void store_connected(const core::Now& now) override;
  std::optional<std::vector<std::string>> store_request(const core::Now& now) override;
  core::Result<void> store_answer(const resp::Value& answer, const core::Now& now) override;
  core::Result<void> store_tick(const core::Now& now) override;
  core::TimePoint store_due() override;
  void store_gone(std::string_view why, const core::Now& now) override;

  logging::Logger& log_;
  std::atomic<bool> dry_run_ = false;
  std::mutex files_; // held while the thread writes; over what follows. Taken before mutex_.
  logging::Format audit_format_ = logging::Format::text;
  std::optional<BanStore> store_;
  std::unique_ptr<logging::LineFile> audit_log_; // null: none

  std::atomic<std::uint64_t> version_ = 1;
  std::atomic<bool> any_bans_ = false;
  std::atomic<std::uint64_t> connections_refused_ = 0;

  std::mutex mutex_; // over what follows
  std::condition_variable wake_;
  PinGuard guard_;
  std::unique_ptr<FleetReplica> fleet_; // where counts are shared
  std::string store_name_;
  bool unreachable_said_ = false;
  std::uint64_t rule_changes_ = 0;
  bool keeps_bans_ = false;      // there is a store
  std::uint64_t saved_ = 0;      // the guard's count of changes to bans, as in the file
  core::TimePoint save_again_{}; // not before: the last time it failed
  bool stopping_ = false;
  Observer observer_;        // of what is settled; meanwhile nothing is written
  bool handed_over_ = false; // and never again

  std::mutex store_mutex_;                  // over what follows, alone
  std::unique_ptr<FleetStore> fleet_store_; // null: nothing is shared. It uses what is above
  std::thread writer_;                      // as this does
};

} // namespace rproxyd
