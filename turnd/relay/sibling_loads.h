// How busy the alternate servers are, as far as this one has been told, and which of them a new client
// is sent to because it is less busy.
//
// What is known of others is seconds old. So that two servers never send the same client to each other,
// or many at once to a third,
//   - what counts is what two loads in a row say: of this server the least, of the other one the most;
//   - the difference has to be kMargin and a quarter;
//   - a client that was sent somewhere counts there until the loads after the next have come, since
//     those that come next may be older than its arrival.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace turnd {

struct ServerLoad {
  core::SocketAddress server;
  std::uint64_t allocations = 0;

  friend bool operator==(const ServerLoad&, const ServerLoad&) = default;
};

// What the server asks. The workers of a process share one, whose less_busy() may then be called by any
// of their threads.
class SiblingLoads {
 public:
  // Of the client's family, the least busy one, if it is clearly less busy than this server with `own`
  // allocations: the client goes there, and counts there from now on.
  virtual std::optional<core::SocketAddress> less_busy(std::uint64_t own, core::Family family,
                                                       core::TimePoint now) = 0;

 protected:
  ~SiblingLoads() = default;
};

// For one thread at a time.
class SiblingLoadTable final : public SiblingLoads {
 public:
  // Loads that are older are as good as none.
  static constexpr core::Duration kMaxAge = std::chrono::seconds(30);
  // A server is clearly less busy when this one has more than a quarter more, and these.
  static constexpr std::uint64_t kMargin = 16;

  ~SiblingLoadTable() = default;

  // From now on; `own` as of now, the loads as of `as_of`. Who isn't among them is sent nobody.
  void set(std::span<const ServerLoad> loads, std::uint64_t own, core::TimePoint as_of);
  void forget();
  std::optional<core::SocketAddress> less_busy(std::uint64_t own, core::Family family,
                                               core::TimePoint now) override;

 private:
  struct Sibling {
    core::SocketAddress server;
    std::uint64_t allocations = 0;
    std::uint64_t before = 0;      // by the loads before these
    std::uint64_t sent = 0;        // there, since these loads came
    std::uint64_t sent_before = 0; // between those before and these

    std::uint64_t expected() const;
  };

  std::vector<Sibling> siblings_;
  std::uint64_t own_ = 0; // when the loads came
  std::uint64_t own_before_ = 0;
  core::TimePoint as_of_;
};

} // namespace turnd
