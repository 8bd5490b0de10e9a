// Who is banned until when, and who was of late, for bans that grow. Bounded: a ban in force never
// gives way to another; those that have ended, and are remembered for growth alone, do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "rproxyd/guard/client_network.h"

namespace rproxyd {

struct Ban {
  ClientNetwork network;
  core::TimePoint until{};
  core::WallTime since{};
  unsigned offences = 1; // bans so far, this one included
  // Many people share the address: token requests alone are refused, not connections.
  bool tokens_only = false;
  bool by_hand = false;
  std::string room = {}; // of the last failure; empty: by hand
};

class BanList {
 public:
  static constexpr std::size_t kMaxBans = 65'536; // those remembered included

  explicit BanList(std::size_t limit = kMaxBans) : limit_(limit) {}

  // The ban of the client's network or of one that holds it. expire() has been called for `now`.
  const Ban* find(const core::IpAddress& client) const;

  // In place of one of the same network. False: there is no room for another ban in force.
  // `remember`: how long it counts as an offence after its end.
  bool add(Ban ban, core::Duration remember);
  // What is lifted is forgotten, growth included.
  std::optional<Ban> remove(const ClientNetwork& network);
  std::vector<Ban> clear();

  // The bans that have ended since the last call.
  std::vector<Ban> expire(core::TimePoint now);

  // Bans of this network that are in force or remembered.
  unsigned offences(const ClientNetwork& network) const;

  std::vector<Ban> in_force() const; // by network
  std::vector<Ban> all() const;      // those remembered, too: their end lies in the past
  std::size_t size() const { return running_.size(); }
  std::optional<core::TimePoint> next_end() const;

 private:
  struct Entry {
    Ban ban;
    core::TimePoint forget{};
    bool running = true;
  };
  using Entries = std::map<ClientNetwork, Entry>;
  using Order = std::set<std::pair<core::TimePoint, ClientNetwork>>;

  void erase(Entries::iterator entry);
  const Ban* find_exactly(const ClientNetwork& network) const;

  const std::size_t limit_;
  Entries entries_;
  Order running_;    // by end
  Order remembered_; // by when they are forgotten
};

} // namespace rproxyd
