#include "turnd/relay/channels.h"

#include <algorithm>

namespace turnd {

Channels::Verdict Channels::verdict(std::uint16_t number, const PeerAddress& peer,
                                    core::TimePoint now) const {
  const Channel* of_number = by_number(number, now);
  const Channel* of_peer = by_peer(peer, now);
  if (of_number == nullptr && of_peer == nullptr) return Verdict::free;
  return of_number == of_peer ? Verdict::refresh : Verdict::conflict;
}

void Channels::bind(std::uint16_t number, const PeerAddress& peer, core::TimePoint now) {
  // A number stands in the table once: its old place, live or not, is the one to write to.
  Channel* place = nullptr;
  for (Channel& channel : channels_) {
    if (channel.number == number) {
      place = &channel;
      break;
    }
    if (channel.expires <= now) place = &channel;
  }
  if (place == nullptr) place = &channels_.emplace_back();
  *place = {.peer = peer, .number = number, .expires = now + kLifetime};
}

std::size_t Channels::live(core::TimePoint now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(channels_, [&](const auto& c) { return c.expires > now; }));
}

} // namespace turnd
