// Which backend of a pool serves a client: the policy for new clients, the affinity that keeps a
// client on the node that issued its token, and what was learnt of nodes that don't answer. Pure;
// the shell's workers share one pool per name behind a lock, taken once per client connection.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace rproxyd {

// A backend's place in its pool.
enum class BackendId : std::uint32_t {};

class BackendPool {
 public:
  enum class Policy : std::uint8_t { round_robin, least_connections, client_hash };
  enum class Affinity : std::uint8_t { none, client_address };

  // Clients remembered for affinity; the one unseen for longest is forgotten first.
  static constexpr std::size_t kMaxClients = 100'000;
  // A client unseen for so long is a new one.
  static constexpr core::Duration kClientMemory = std::chrono::hours(2);
  // A backend that could not be reached is left alone for so long; doubled each time it fails again.
  static constexpr core::Duration kFirstBackOff = std::chrono::seconds(1);
  static constexpr core::Duration kLongestBackOff = std::chrono::seconds(30);

  BackendPool(std::size_t backends, Policy policy, Affinity affinity);

  // The backend for a client, none of `tried`. A client that has come back to its backend stays with
  // it as long as that can be reached, even if one request is tried elsewhere. Backends in back-off are passed over while there
  // are others. nullopt: every backend has been tried.
  std::optional<BackendId> choose(const core::IpAddress& client, std::span<const BackendId> tried,
                                  core::TimePoint now);

  void unreachable(BackendId backend, core::TimePoint now);
  void reachable(BackendId backend);

  // Exchanges in progress, for least_connections.
  void exchange_begun(BackendId backend) { ++at(backend).exchanges; }
  void exchange_ended(BackendId backend) { --at(backend).exchanges; }

  struct Status {
    std::size_t exchanges;
    bool in_back_off;
  };
  Status status(BackendId backend, core::TimePoint now) const;
  std::size_t clients() const { return clients_.size(); }

 private:
  struct Backend {
    std::size_t exchanges = 0;
    unsigned failures = 0;
    core::TimePoint back_off_until{};
  };
  struct Client {
    core::IpAddress address;
    BackendId backend{};
    core::TimePoint seen{};
    bool settled = false; // it has come back to that backend
  };
  using Clients = std::list<Client>; // the most recently seen first

  Backend& at(BackendId id) { return backends_[static_cast<std::size_t>(id)]; }
  std::optional<BackendId> by_policy(const core::IpAddress& client,
                                     std::span<const BackendId> candidates);
  void remember(const core::IpAddress& client, BackendId backend, core::TimePoint now);

  Policy policy_;
  Affinity affinity_;
  std::vector<Backend> backends_;
  std::size_t next_ = 0; // round robin
  Clients clients_;
  std::unordered_map<core::IpAddress, Clients::iterator> by_address_;
};

} // namespace rproxyd
