// One of several guards that count together over a Redis server: the same PinGuard at each, which all
// take the same steps, in the order in which the server has put them, at the times that it has given
// them. So a limit means the same for all of them as it does for one, and no rule is written twice.
// Pure: the shell carries requests and answers, and says when the server is there and when not.
//
//   away       alone: PinGuard decides by what it knows, and has its share of what is left
//   joining    connected: what has been kept there is looked at
//   merging    what has been counted alone is told there, until all siblings have told theirs
//   sharing    an attempt is said there ("want"), and decided when it is heard back, among all others
//
// Calling contract
//   admit()     as PinGuard's; `asked`: decide() once woken, or after kPatience, when local knowledge
//               decides; abandon() if nobody waits any more.
//   settle()    as PinGuard's, for tickets with an id.
//   connected(), then request() whenever something may have changed and no answer is outstanding:
//               what to send; answer() for its answer. False: the connection is of no use any more.
//   disconnected() at any time.
//   tick()      at due() at the latest: an answer that has not come in time is waited for no longer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libcore/resp/value.h"
#include "rproxyd/guard/fleet_event.h"
#include "rproxyd/guard/pin_guard.h"

namespace rproxyd {

struct FleetFigures {
  std::uint64_t asked = 0;  // attempts that were decided among all
  std::uint64_t alone = 0;  // that were decided by what is known here
  std::uint64_t late = 0;   // of those: since no answer came in time
  std::uint64_t joined = 0; // times that this guard has begun to share
  std::size_t siblings = 1; // this one included
  bool shares = false;
};

class FleetReplica {
 public:
  // The longest that an attempt waits for the server.
  static constexpr core::Duration kPatience = std::chrono::milliseconds(250);
  // How often it is asked what siblings have done.
  static constexpr core::Duration kFollowEvery = std::chrono::milliseconds(100);
  // How long siblings are waited for, to tell what they have counted alone.
  static constexpr core::Duration kGrace = std::chrono::seconds(3);
  // What is kept there may take longer to come than an attempt waits.
  static constexpr core::Duration kJoinPatience = std::chrono::seconds(5);
  // A sibling that has been silent for longer has gone, or has lost the server.
  static constexpr core::Duration kSilence = std::chrono::seconds(10);
  static constexpr core::Duration kMergedOfLate = std::chrono::milliseconds(500);
  static constexpr std::size_t kMaxClaims = 4096;   // more wait
  static constexpr std::size_t kMaxLedger = 65'536; // failures; the oldest give way
  static constexpr std::size_t kMaxByHand = 1024;   // that the server has not heard of
  static constexpr std::size_t kWordsAtOnce = 500;  // in a request

  using Wake = std::function<void()>; // from any thread

  // `name`: no sibling has the same, without spaces. `guard` must outlive the replica.
  FleetReplica(PinGuard& guard, std::string name, const core::Now& now);

  // What was counted before, by its clock, as it would be learnt from siblings.
  void begin_with(const GuardState& state);

  // The clock that the guard goes by: the server's, as far as it is known.
  core::Now time(const core::Now& now) const {
    return {.steady = now.steady + offset_, .wall = now.wall};
  }
  core::TimePoint local(core::TimePoint time) const { return time - offset_; }

  Admission admit(const PinAttempt& attempt, Wake wake, const core::Now& now);
  Admission decide(const std::string& claim, const core::Now& now);
  void abandon(const std::string& claim, const core::Now& now);
  void settle(const Ticket& ticket, Outcome outcome, const core::Now& now);
  // After PinGuard's own.
  void banned_by_hand(const ClientNetwork& network);
  void lifted_by_hand(const ClientNetwork& network);
  void lifted_all_by_hand();

  void connected(const core::Now& now);
  void disconnected(const core::Now& now);
  std::optional<std::vector<std::string>> request(
      const core::Now& now); // of EVALSHA, behind the key
  bool answer(const resp::Value& answer, const core::Now& now);
  // False: the server is too slow, and the connection of no use any more.
  bool tick(const core::Now& now) const;
  core::TimePoint due() const;
  bool has_words() const { return !words_.empty(); }

  // Of claims that have been decided since the last call.
  std::vector<Wake> take_woken() { return std::exchange(woken_, {}); }
  FleetFigures figures() const;

 private:
  enum class State : std::uint8_t { away, joining, merging, waiting, entering, sharing };
  struct Claim {
    PinAttempt attempt;
    Wake wake;
    core::TimePoint asked{}; // local
    std::optional<Admission> decided = {};
    bool abandoned = false;
  };
  struct Known { // a failure
    std::string id;
    PinAttempt attempt;
    unsigned tallies;
    core::TimePoint when;
  };
  struct Ending {
    Ticket ticket;
    Outcome outcome;
  };

  std::string next_id() { return name_ + ':' + std::to_string(++ids_); }
  bool told() const { return state_ != State::away && state_ != State::joining; }
  void say(FleetWord word);
  void say_end(const std::string& id, const PinAttempt& attempt, Outcome outcome);
  Admission admit_alone(const PinAttempt& attempt, const core::Now& now);
  void end(const Ticket& ticket, Outcome outcome, const core::Now& time);
  void end_elsewhere(const FleetSaid& said, Outcome outcome, const core::Now& time);
  void note_failure(std::string id, const PinAttempt& attempt, unsigned tallies,
                    core::TimePoint when);
  void bans_begun(bool here);
  void spend(const Ban& ban, bool here);
  void take_for_failed(const core::Now& time);
  void set_alone();
  void hear_guards(const resp::Value& guards);
  void tell_all(bool anew, const core::Now& now);
  bool take_joined(const std::string& lineage, std::uint64_t number, const core::Now& now);
  bool take_state(const resp::Value& answer, std::int64_t time, const core::Now& now);
  void take_open(const std::vector<resp::Value>& open, const core::Now& here);
  bool siblings_have_merged(const core::Now& now) const;
  bool hear(const resp::Value& lines, const core::Now& now);
  void hear_line(const FleetSaid& said, const core::Now& now);
  void hear_own_want(const std::string& id, const core::Now& time);
  void hear_want(const FleetSaid& said, bool surely, const core::Now& time);
  std::string forget_at(const Ban& ban) const;

  PinGuard& guard_;
  const std::string name_;
  std::uint64_t ids_ = 0;
  core::Duration offset_{};
  State state_ = State::away;
  std::string lineage_;     // of what is kept there; empty: never joined
  std::uint64_t heard_ = 0; // the last thing said there that has been taken up
  std::uint64_t said_ = 0;  // the last thing said there
  core::TimePoint since_{}; // the state; local
  core::TimePoint sent_{};  // the request that is outstanding, or the last; local
  bool outstanding_ = false;
  bool broken_ = false;                                        // an attempt has waited in vain
  core::TimePoint alone_since_{};                              // local
  std::deque<FleetWord> words_;                                // to be said
  std::deque<FleetWord> unheard_;                              // said in the outstanding request
  std::deque<FleetWord> by_hand_;                              // that the server has not heard of
  std::unordered_set<std::string> unsaid_bans_;                // begun alone, by network
  std::vector<std::pair<std::string, core::Duration>> guards_; // and how long ago they spoke
  std::vector<std::string> awaited_; // siblings that shared before, and have counted alone, perhaps
  std::unordered_map<std::string, Claim> claims_;
  std::unordered_map<std::string, Ticket> own_;      // let through here
  std::unordered_map<std::string, Ending> ending_;   // whose end has been said
  std::unordered_map<std::string, Ticket> siblings_; // let through elsewhere
  std::deque<Known> ledger_;                         // by when they were heard of
  std::vector<Wake> woken_;
  FleetFigures figures_;
};

} // namespace rproxyd
