// The PIN guard: who may try a PIN, and who has tried too many. Pure; the shell's workers share one
// behind a lock, which is taken for token requests and while there are bans.
//
// Calling contract
//   admit()   before a token request goes to a node: pass, wait (and ask again), or refuse.
//   settle()  exactly once for each ticket that admit() gave, when the answer has come or can't come
//             any more. Until then the attempt counts as one that may fail: of all that are let
//             through at once, no more than the limit can turn out wrong.
//
// An attempt is counted under several keys: the client's network (client_network.h), the wider ones
// around it, the room, and the pair of client and room. docs/pin-guard.md is the story for people.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libcore/base/network.h"
#include "libcore/base/time.h"
#include "rproxyd/guard/ban_list.h"
#include "rproxyd/guard/client_network.h"
#include "rproxyd/guard/failure_table.h"
#include "rproxyd/guard/guard_events.h"
#include "rproxyd/guard/guard_state.h"
#include "rproxyd/guard/token_evidence.h"

namespace rproxyd {

struct GuardRules { // contract: pin_guard.*
  enum class Count : std::uint8_t { wrong_pins, denied_tokens };
  Count count = Count::wrong_pins;
  std::size_t max_failures = 5;
  core::Duration find_time = std::chrono::seconds(300);
  core::Duration ban_time = std::chrono::seconds(300);
  unsigned growth = 1; // a repeated ban is so many times as long as the one before
  core::Duration max_ban_time = std::chrono::hours(24);
  core::Duration remember = std::chrono::hours(24); // a ban that has ended, for growth
  bool widen = true;                                // IPv6 sites and organisations
  core::NetworkList ignore;
  // Addresses that many people share: the pair of address and room has max_failures, the address as
  // a whole its own limit, and a ban refuses token requests alone.
  core::NetworkList shared;
  std::size_t shared_max_failures = 50;
  struct Room { // clients that have entered it before are not held back
    bool enabled = true;
    core::Duration find_time = std::chrono::seconds(600);
    std::size_t slow_after = 10;   // wrong PINs; from then on one attempt a `pace`
    std::size_t max_failures = 18; // from then on none
    core::Duration pace = std::chrono::seconds(20);
    core::Duration remember = std::chrono::hours(12); // who has entered
  } room;
  bool dry_run = false; // counts and bans in the books alone
};

// A request for a token on its way to a node.
struct PinAttempt {
  core::IpAddress client;
  std::string room; // room_key()
  std::string extension = {};
  bool carries_pin = false;
};

enum class Outcome : std::uint8_t {
  none,      // the node gave no verdict
  admitted,  // a token
  denied,    // 403, but not for the PIN
  wrong_pin, // or the client broke off a guess that the node may have seen
};

enum class GuardRefusal : std::uint8_t {
  banned,
  room,
  exhausted
}; // exhausted: no failure is left, but no ban either

// What admit() reserved; see settle().
struct Ticket {
  struct Hold {
    bool held = false;
    bool shared = false; // in a tally that others have, too: the table was full
  };
  PinAttempt attempt;
  std::string id = {}; // by which siblings know it: see FleetReplica
  unsigned epoch = 0;  // of what it is reserved in: see forget()
  bool counts = false; // against its client
  Hold client = {}, site = {}, organisation = {}, pair = {}, room = {}, extension = {};
};

struct Admission {
  enum class Kind : std::uint8_t { pass, wait, refuse, asked };
  Kind kind = Kind::pass;
  std::optional<Ticket> ticket = {}; // pass
  core::Duration delay{}; // wait: ask again then; refuse: when it may be worthwhile; asked: at most
  std::string claim = {}; // asked: what the answer is for; see TokenDesk
  GuardRefusal refusal = GuardRefusal::banned; // refuse; wait: what it is for
};

class PinGuard {
 public:
  static constexpr std::size_t kMaxClients = 65'536;
  static constexpr std::size_t kMaxRooms = 16'384;
  static constexpr std::size_t kMaxPairs = 65'536;
  static constexpr std::size_t kMaxEntrants = 65'536; // pairs that are remembered to have entered
  // How many times max_failures a site (/56) and an organisation (/48) have, and how many different
  // /64s of theirs must have failed.
  static constexpr std::size_t kSiteFactor = 4;
  static constexpr std::size_t kOrganisationFactor = 16;
  // How long an attempt waits for others' ends before it asks again.
  static constexpr core::Duration kAskAgain = std::chrono::milliseconds(20);

  explicit PinGuard(GuardRules rules) : rules_(std::move(rules)) {}

  Admission admit(const PinAttempt& attempt, const core::Now& now);
  void settle(const Ticket& ticket, Outcome outcome, const core::Now& now);

  // The ban that applies to a client; borrowed until the next call. In a dry run, too: see dry_run().
  const Ban* find_ban(const core::IpAddress& client, const core::Now& now);
  bool dry_run() const { return rules_.dry_run; }

  // By hand; `duration` absent: the configured one. False: there is no room for another.
  bool ban(const ClientNetwork& network, std::optional<core::Duration> duration,
           const core::Now& now);
  bool lift(const ClientNetwork& network, const core::Now& now); // false: there was none
  std::size_t lift_all(const core::Now& now);
  std::vector<Ban> bans(const core::Now& now);         // in force, by network
  std::vector<Ban> bans_to_keep(const core::Now& now); // and those that are remembered
  void restore(std::vector<Ban> bans, const core::Now& now);
  bool knows_ban_of(const ClientNetwork& network) const { return bans_.offences(network) != 0; }
  // For a process that takes over from this one: what is known, attempts in progress aside; they end
  // here, and their ends are counted there.
  GuardState state(const core::Now& now);
  void adopt(const GuardState& state, const core::Now& now);
  // An attempt that was let through, and has ended, elsewhere.
  void count(const PinAttempt& attempt, Outcome outcome, const core::Now& now);
  bool has_bans() const { return bans_.size() != 0; } // as of the last call
  std::optional<core::TimePoint> next_ban_end() const { return bans_.next_end(); }
  // How often bans have been made, lifted, or have ended: what was kept of them before is old.
  std::uint64_t ban_changes() const { return ban_changes_; }

  // What siblings do, who share what is counted: guard/fleet_replica.h.
  // The verdict of admit() alone: nothing is reserved.
  std::optional<Admission> look(const PinAttempt& attempt, const core::Now& now);
  bool counts(const PinAttempt& attempt) const;
  bool fails(const PinAttempt& attempt, Outcome outcome) const; // for the client or for the room
  // An attempt that was let through, whatever is against it.
  Ticket hold(const PinAttempt& attempt, const core::Now& now) { return reserve(attempt, now); }
  // A failure of before; the oldest first. It is counted in `tallies`, and leads to no ban. `here`: it
  // came through this guard.
  static constexpr unsigned kClientTally = 1, kSiteTally = 2, kOrganisationTally = 4,
                            kRoomTally = 8, kAllTallies = 15;
  void learn(const PinAttempt& attempt, unsigned tallies, bool here, core::TimePoint when);
  // Bans those whose failures, as they were learnt, are as many as the limit.
  void ban_who_has_failed(const core::Now& now);
  void learn_entry(const ClientNetwork& network, std::string door, core::TimePoint when);
  // What was counted and who is banned, for what is learnt anew. Tickets of before have nothing
  // reserved any more; how they end is counted.
  void forget();
  // Siblings can't be asked: each has its share of a limit, so that all of them together let no more
  // through than one would. Who is a stranger to all has one attempt at each.
  struct Alone {
    unsigned siblings = 1; // this one included
    unsigned rank = 0;     // among them
  };
  void set_alone(std::optional<Alone> alone) { alone_ = alone; }
  // While one is alive: what is done happens at a sibling. It counts here, too, but is neither said nor
  // counted among what this guard did, bans aside.
  class Elsewhere {
   public:
    explicit Elsewhere(PinGuard& guard) : guard_(guard), counters_(guard.counters_) {
      guard_.elsewhere_ = true;
    }
    ~Elsewhere() {
      guard_.elsewhere_ = false;
      guard_.counters_ = counters_;
    }
    Elsewhere(const Elsewhere&) = delete;
    Elsewhere& operator=(const Elsewhere&) = delete;

   private:
    PinGuard& guard_;
    const GuardCounters counters_;
  };
  // Bans that failures have begun since the last call.
  std::vector<Ban> take_begun() { return std::exchange(begun_, {}); }
  std::optional<Ban> ban_of(const ClientNetwork& network) const;
  // Who has entered which door, and when.
  const auto& entrants() const { return entrants_; }
  // A ban of a sibling's, as it stands there.
  void impose(Ban ban, const core::Now& now);
  const GuardRules& rules() const { return rules_; }

  // What has happened since the last call. At most kMaxEvents wait; the rest is counted.
  static constexpr std::size_t kMaxEvents = 10'000;
  std::vector<GuardEvent> take_events() { return std::exchange(events_, {}); }
  bool has_events() const { return !events_.empty(); }

  const GuardCounters& counters() const { return counters_; }
  std::size_t clients_counted() const { return clients_.size(); }
  std::size_t rooms_counted() const { return rooms_.size(); }
  // Reload: what was counted stays.
  void set_rules(GuardRules rules) { rules_ = std::move(rules); }

 private:
  struct WideTally : Tally {
    std::vector<std::pair<ClientNetwork, core::TimePoint>>
        parts; // which /64s failed, and when last
  };
  struct RoomTally : Tally {
    core::TimePoint paced{}; // the last newcomer's attempt that was let through slowly
    bool slow = false;       // as was said
  };
  using Pair = std::pair<ClientNetwork, std::string>;
  struct PairHash {
    std::size_t operator()(const Pair& p) const noexcept {
      return ClientNetworkHash{}(p.first) * 31 + std::hash<std::string>{}(p.second);
    }
  };
  using Entrants = std::list<std::pair<Pair, core::TimePoint>>; // the most recent first

  // So many parts of a wide network have to fail before it is held to its own limit.
  static std::size_t wide_factor(std::uint8_t prefix) {
    return prefix == kSitePrefix ? kSiteFactor : kOrganisationFactor;
  }

  using Verdict = std::optional<Admission>; // nullopt: nothing against it

  void expire(const core::Now& now);
  bool ignores(const core::IpAddress& client) const;
  bool is_shared(const core::IpAddress& client) const;
  bool widens(const core::IpAddress& client) const;
  void note_verdict(const Admission& verdict);
  std::size_t share_of(const Tally& tally, std::size_t limit) const;
  Verdict against(const PinAttempt& attempt, const core::Now& now);
  Verdict against_client(const PinAttempt& attempt, const core::Now& now);
  Verdict against_wide(const ClientNetwork& wide, const core::Now& now);
  Verdict against_room(const std::string& room, const core::Now& now);
  Verdict against_tally(const Tally& tally, std::size_t limit, const core::Now& now) const;
  Ticket reserve(const PinAttempt& attempt, const core::Now& now);
  void fail_client(const Ticket& ticket, Tally& tally, const core::Now& now);
  void settle_wide(const Ticket& ticket, Ticket::Hold hold, std::uint8_t prefix, bool failed,
                   const core::Now& now);
  static void note_part(WideTally& tally, const ClientNetwork& own, std::uint8_t prefix,
                        core::TimePoint when);
  void settle_room(const std::string& room, Ticket::Hold hold, bool failed, const core::Now& now);
  bool start_ban(const ClientNetwork& network, const Ticket& ticket, std::size_t failures,
                 const core::Now& now);
  core::Duration ban_length(unsigned offences) const;
  bool has_entered(const PinAttempt& attempt, const core::Now& now) const;
  void remember_entry(const PinAttempt& attempt, const core::Now& now);
  void say(GuardEvent event);

  GuardRules rules_;
  FailureTable<ClientNetwork, ClientNetworkHash> clients_{kMaxClients};
  FailureTable<ClientNetwork, ClientNetworkHash, WideTally> wide_{kMaxClients};
  FailureTable<std::string, std::hash<std::string>, RoomTally> rooms_{kMaxRooms};
  FailureTable<Pair, PairHash> pairs_{kMaxPairs};
  Entrants entrants_;
  std::unordered_map<Pair, Entrants::iterator, PairHash> by_pair_;
  BanList bans_;
  std::uint64_t ban_changes_ = 0;
  std::vector<Ban> begun_; // by failures
  std::optional<Alone> alone_;
  bool elsewhere_ = false;
  unsigned epoch_ = 0;
  std::vector<GuardEvent> events_;
  GuardCounters counters_;
};

} // namespace rproxyd
