#include "turnd/relay/permissions.h"

#include <algorithm>

namespace turnd {

const Permissions::Permission* Permissions::find(const core::IpAddress& peer) const {
  for (const Permission& permission : permissions_) {
    if (permission.peer == peer) return &permission;
  }
  return nullptr;
}

bool Permissions::allows(const core::IpAddress& peer, core::TimePoint now) const {
  const Permission* permission = find(peer);
  return permission != nullptr && permission->expires > now;
}

std::optional<core::TimePoint> Permissions::allowed_until(const core::IpAddress& peer,
                                                          core::TimePoint now) const {
  if (!allows(peer, now)) return std::nullopt;
  return find(peer)->expires;
}

bool Permissions::has_room_for(std::span<const core::IpAddress> peers, std::size_t limit,
                               core::TimePoint now) const {
  const std::size_t there = live(now);
  std::size_t needed = there;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const bool named_before = std::ranges::find(peers.first(i), peers[i]) !=
                              peers.begin() + static_cast<std::ptrdiff_t>(i);
    if (!named_before && !allows(peers[i], now)) ++needed;
  }
  return needed == there || needed <= limit; // the limit may have been higher once
}

void Permissions::install(const core::IpAddress& peer, core::TimePoint now) {
  Permission* place = nullptr;
  for (Permission& permission : permissions_) {
    if (permission.peer == peer) {
      permission.expires = now + kLifetime;
      return;
    }
    if (permission.expires <= now) place = &permission;
  }
  if (place == nullptr) place = &permissions_.emplace_back();
  *place = {.peer = peer, .expires = now + kLifetime};
}

std::size_t Permissions::live(core::TimePoint now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(permissions_, [&](const auto& p) { return p.expires > now; }));
}

} // namespace turnd
