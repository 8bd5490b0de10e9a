// A pool of backends as all workers see it: its backends, and its BackendPool, behind a lock, which is
// taken when a backend is chosen and when something is learnt about one, never per chunk.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/error.h"
#include "rproxyd/proxy/backend_pool.h"
#include "rproxyd/proxy/backend_record.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

// Where a backend is, and what is said to it. Never changed: a place that is used again has another.
struct Backend {
  std::string name; // "10.40.0.10:443", for logs
  core::SocketAddress address;
  bool tls = true;
  std::string server_name; // for SNI and verification
  std::string authority;   // the Host of what the proxy itself asks
  BackendKey key{};
  Settings::BackendTls trust; // what its certificate is held to
  bool h2 = false;            // HTTP/2 is offered to it
  Settings::ProxyHeader proxy_header = Settings::ProxyHeader::none; // with which connections begin

  friend bool operator==(const Backend&, const Backend&) = default;
};

// One of the backends that a pool is to have.
struct WantedBackend {
  Backend backend;
  unsigned weight = 1;
  unsigned priority = 0;
};

class SharedPool {
 public:
  SharedPool(std::string name, const Settings::Pool& settings);
  // With another pool's salt: their keys are the same (see wanted()).
  SharedPool(std::string name, const Settings::Pool& settings, std::string key_salt);

  // Other rules. What is known of its backends stays; servers come by set().
  void configure(const Settings::Pool& settings);

  // From now on the pool has these. What is known of those that it has already stays, though they may
  // be asked in another way; those that are not among them get no new exchange. True when it has others.
  bool set(const std::vector<WantedBackend>& wanted, core::TimePoint now);

  // A backend of the pool at this address; the key comes from its name and the servers that the pool
  // began with.
  WantedBackend wanted(const Settings::Pool& settings, const Settings::Server& server,
                       const core::SocketAddress& address) const;

  std::optional<BackendId> choose(const core::IpAddress& client, std::span<const BackendId> tried,
                                  std::optional<BackendKey> wanted, core::TimePoint now);
  bool may_retry(core::TimePoint now);
  // True when this is news.
  bool unreachable(BackendId backend, core::TimePoint now, std::string_view why);
  bool reachable(BackendId backend, core::TimePoint now);
  bool checked(BackendId backend, CheckResult result, core::TimePoint now, std::string_view why);
  void exchange_begun(BackendId backend);
  struct Attempt {
    BackendPool::Outcome outcome = BackendPool::Outcome::unknown;
    std::optional<core::Duration> head_after = {}; // the request; none: there was no head
  };
  static constexpr std::string_view kBreaksOff = "it breaks off one request after another";
  bool exchange_ended(BackendId backend, const Attempt& attempt, core::TimePoint now);

  // What is, or was last, at that place.
  std::shared_ptr<const Backend> backend(BackendId id) const;
  struct Member {
    BackendId id;
    std::shared_ptr<const Backend> backend;
  };
  std::vector<Member> members() const;
  BackendPool::Status status(BackendId backend, core::TimePoint now) const;

  // For people and metrics.
  struct BackendFigures {
    std::shared_ptr<const Backend> backend;
    unsigned weight = 1;
    bool backup = false;
    std::size_t exchanges = 0; // in progress
    BackendRecord record;
  };
  std::vector<BackendFigures> figures() const; // those that drain included

  // For a process that takes over from this one: what is known, and from then on the observer is told
  // which clients get which backend, on the thread that asks for one; until keep().
  using Observer = std::function<void(const core::IpAddress& client, BackendKey backend)>;
  PoolState give(Observer observer);
  void keep();
  // The other one's part.
  void adopt(const PoolState& state, core::TimePoint now);
  void settle(const core::IpAddress& client, BackendKey backend, core::TimePoint now);
  const std::string& key_salt() const { return key_salt_; }

  // True the first time that it is said of this backend.
  bool first_without_h2(BackendId backend);

  const std::string& name() const { return name_; }

 private:
  // With the lock held: what is known of it now.
  void learn(BackendId backend, bool reached, core::TimePoint now, std::string_view why);
  BackendRecord& record(BackendId backend) { return records_[static_cast<std::size_t>(backend)]; }

  const std::string name_;
  const std::string key_salt_;
  mutable std::mutex mutex_; // over what follows
  BackendPool pool_;
  Observer observer_;
  std::vector<std::shared_ptr<const Backend>> backends_;   // by BackendId
  std::vector<BackendRecord> records_;                     // by BackendId
  std::vector<std::shared_ptr<const Backend>> without_h2_; // by BackendId; null: not said
};

} // namespace rproxyd
