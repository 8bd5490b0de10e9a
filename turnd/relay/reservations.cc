#include "turnd/relay/reservations.h"

#include <utility>

namespace turnd {

bool ReservationTable::hold(const ReservationToken& token, RelayId, Reserved reserved) {
  return has_room() && held_.emplace(key_of(token), std::move(reserved)).second;
}

std::optional<core::SocketAddress> ReservationTable::take(const ReservationToken& token,
                                                          std::string_view username) {
  const auto found = held_.find(key_of(token));
  if (found == held_.end() || found->second.username != username) return std::nullopt;
  const core::SocketAddress address = found->second.address;
  held_.erase(found);
  return address;
}

std::optional<Reserved> ReservationTable::find(const ReservationToken& token) {
  const auto found = held_.find(key_of(token));
  return found == held_.end() ? std::nullopt : std::optional(found->second);
}

bool ReservationTable::expire(const ReservationToken& token) {
  return held_.erase(key_of(token)) != 0;
}

void ReservationTable::return_port(unsigned worker, const core::SocketAddress& address) {
  returned_[worker].push_back(address);
}

std::optional<core::SocketAddress> ReservationTable::returned_port(unsigned worker) {
  if (returned_[worker].empty()) return std::nullopt;
  const core::SocketAddress address = returned_[worker].front();
  returned_[worker].pop_front();
  return address;
}

std::uint64_t key_of(const ReservationToken& token) {
  return std::uint64_t{core::load32(token.data())} << 32 | core::load32(token.data() + 4);
}

} // namespace turnd
