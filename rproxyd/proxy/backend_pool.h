// Which backend of a pool serves a client: the policy for new clients, the affinity that keeps a
// client on the node that issued its token, and what was learnt of nodes that don't answer. Pure;
// the shell's workers share one pool per name behind a lock, taken when a backend is chosen and when
// something is learnt about one.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"
#include "rproxyd/proxy/backend_health.h"
#include "rproxyd/proxy/retry_budget.h"

namespace rproxyd {

// A backend's place in its pool. The place of one that was removed is used again, but not while an
// exchange is in progress with it.
enum class BackendId : std::uint32_t {};

// The same number for the same backend in every process that has the same pool: what client_hash and
// the affinity cookie go by.
enum class BackendKey : std::uint64_t {};

// What a pool knows of its backends and of the clients' homes, as plain values: for the process that
// takes over from this one, where backends have other places.
struct PoolState {
  struct Node {
    BackendKey key{};
    unsigned broken = 0;
    unsigned failures = 0;
    core::TimePoint back_off_until{};
    core::TimePoint back_since{};
    BackendHealth health;
  };
  struct Client {
    core::IpAddress address;
    BackendKey backend{};
    core::TimePoint seen{};
    bool settled = false;
  };
  std::vector<Node> nodes;
  std::vector<Client> clients; // the most recently seen first
};

class BackendPool {
 public:
  enum class Policy : std::uint8_t { round_robin, least_connections, client_hash };
  enum class Affinity : std::uint8_t { none, client_address, cookie };

  // Clients remembered for affinity; the one unseen for longest is forgotten first.
  static constexpr std::size_t kMaxClients = 100'000;
  // A client unseen for so long is a new one.
  static constexpr core::Duration kClientMemory = std::chrono::hours(2);
  // A backend that could not be reached is left alone for so long; doubled each time it fails again.
  static constexpr core::Duration kFirstBackOff = std::chrono::seconds(1);
  static constexpr core::Duration kLongestBackOff = std::chrono::seconds(30);
  // Exchanges in a row that a backend has broken off or not answered, until it counts as unreachable.
  static constexpr unsigned kBrokenInARow = 5;
  static constexpr unsigned kMaxWeight = 256;

  struct Rules {
    Policy policy = Policy::round_robin;
    Affinity affinity = Affinity::none;
    bool checks = true; // there are active ones
    HealthRules health;
    // A backend that has come back gets its full share of new clients only after so long.
    core::Duration slow_start{0};
    unsigned retry_percent = 20;
  };

  struct Member {
    BackendKey key{};
    unsigned weight = 1;   // its share of new clients, 1 to kMaxWeight
    unsigned priority = 0; // only those of the lowest number that is usable serve
  };

  explicit BackendPool(const Rules& rules) : rules_(rules), retries_(rules.retry_percent) {}

  // What is known of backends and clients stays; what checks have found goes with them.
  void set_rules(const Rules& rules);

  BackendId add(const Member& member, core::TimePoint now);
  void change(BackendId backend, const Member& member); // another weight or priority
  // It gets no exchange any more; those in progress go on.
  void remove(BackendId backend);

  // The backend for a client, none of `tried`. A client that has come back to its backend stays with
  // it as long as that serves at all, even if one request is tried elsewhere. A backend in
  // maintenance keeps its clients and gets no new ones; one that is down or in back-off is passed
  // over while there are others. `wanted`: the backend that the client's cookie names.
  // nullopt: every backend has been tried.
  std::optional<BackendId> choose(const core::IpAddress& client, std::span<const BackendId> tried,
                                  std::optional<BackendKey> wanted, core::TimePoint now);

  void unreachable(BackendId backend, core::TimePoint now);
  void reachable(BackendId backend, core::TimePoint now);
  // True when this has changed what is thought of it.
  bool checked(BackendId backend, CheckResult result, core::TimePoint now);

  enum class Outcome : std::uint8_t { answered, broken, unknown };
  void exchange_begun(BackendId backend) { ++at(backend).exchanges; }
  // True when it has just been found unreachable, after too many that were broken.
  bool exchange_ended(BackendId backend, Outcome outcome, core::TimePoint now);

  void request_begun() { retries_.request_begun(); }
  bool may_retry(core::TimePoint now) { return retries_.take(now); }

  PoolState state() const;
  // What is known of backends that are here, too. Clients that are known already stay where they are.
  void adopt(const PoolState& state);
  // A client's home was chosen elsewhere.
  void settle(const core::IpAddress& client, BackendKey backend, core::TimePoint now);

  struct Status {
    std::size_t exchanges;
    bool in_back_off;
    BackendHealth::State health;
  };
  Status status(BackendId backend, core::TimePoint now) const;
  bool is_member(BackendId backend) const;
  const Member& member(BackendId backend) const { return at(backend).member; }
  std::size_t clients() const { return clients_.size(); }

 private:
  struct Backend {
    Member member;
    bool removed = false;
    std::size_t exchanges = 0;
    unsigned broken = 0;   // exchanges in a row
    unsigned failures = 0; // back-offs in a row
    core::TimePoint back_off_until{};
    BackendHealth health;
    core::TimePoint back_since{}; // when it came back; zero: it was never away
    std::int64_t turn = 0;        // of the weighted round
  };
  struct Client {
    core::IpAddress address;
    BackendId backend{};
    core::TimePoint seen{};
    bool settled = false; // it has come back to that backend
  };
  using Clients = std::list<Client>; // the most recently seen first
  using Candidates = std::vector<BackendId>;

  Backend& at(BackendId id) { return backends_[static_cast<std::size_t>(id)]; }
  const Backend& at(BackendId id) const { return backends_[static_cast<std::size_t>(id)]; }
  Candidates candidates(std::span<const BackendId> tried, core::TimePoint now) const;
  bool serves_its_clients(BackendId backend, std::span<const BackendId> tried,
                          core::TimePoint now) const;
  std::optional<BackendId> home_of(const core::IpAddress& client, std::span<const BackendId> tried,
                                   core::TimePoint now);
  std::optional<BackendId> by_key(BackendKey key) const;
  BackendId by_policy(const core::IpAddress& client, const Candidates& candidates,
                      core::TimePoint now);
  BackendId next_in_turn(const Candidates& candidates, core::TimePoint now);
  std::int64_t weight(BackendId backend, core::TimePoint now) const;
  void remember(const core::IpAddress& client, BackendId backend, core::TimePoint now);

  Rules rules_;
  RetryBudget retries_;
  std::vector<Backend> backends_;
  Clients clients_;
  std::unordered_map<core::IpAddress, Clients::iterator> by_address_;
};

} // namespace rproxyd
