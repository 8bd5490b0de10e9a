// The peers that a client has asked for (RFC 8656 section 9): by IP address, whatever the port, for
// five minutes after the last CreatePermission or ChannelBind. Data never prolongs one.
//
// A small flat table: real clients have a handful. An entry whose time has passed allows nothing
// and gives its place to the next new one, so nothing needs to sweep.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace turnd {

class Permissions {
 public:
  static constexpr core::Duration kLifetime = std::chrono::seconds(300);

  bool allows(const core::IpAddress& peer, core::TimePoint now) const;
  // nullopt: it is not allowed.
  std::optional<core::TimePoint> allowed_until(const core::IpAddress& peer,
                                               core::TimePoint now) const;

  // Whether all of `peers` fit among at most `limit` live ones; those already there take no place,
  // and one named twice takes one.
  bool has_room_for(std::span<const core::IpAddress> peers, std::size_t limit,
                    core::TimePoint now) const;
  void install(const core::IpAddress& peer, core::TimePoint now);

  // Those of forbidden peers.
  template <typename Forbidden>
  void end_if(Forbidden forbidden) {
    std::erase_if(permissions_, [&](const Permission& each) { return forbidden(each.peer); });
  }

  std::size_t live(core::TimePoint now) const;

  // Of those that are live: each(peer, when it ends).
  template <typename Each>
  void for_each(core::TimePoint now, Each&& each) const {
    for (const Permission& permission : permissions_) {
      if (permission.expires > now) each(permission.peer, permission.expires);
    }
  }
  // One that for_each() told of, in an empty table.
  void restore(const core::IpAddress& peer, core::TimePoint expires) {
    permissions_.push_back({.peer = peer, .expires = expires});
  }

 private:
  struct Permission {
    core::IpAddress peer;
    core::TimePoint expires;
  };
  const Permission* find(const core::IpAddress& peer) const;

  std::vector<Permission> permissions_;
};

} // namespace turnd
