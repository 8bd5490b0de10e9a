// The channels that a client has bound (RFC 8656 section 12): a number for a peer's transport
// address, for ten minutes after the last ChannelBind. Kept as permissions are: flat, and without
// sweeping.
#pragma once

#include <cstdint>
#include <vector>

#include "libcore/base/time.h"
#include "turnd/relay/types.h"

namespace turnd {

struct Channel {
  PeerAddress peer;
  std::uint16_t number = 0;
  core::TimePoint expires;
};

class Channels {
 public:
  static constexpr core::Duration kLifetime = std::chrono::seconds(600);

  // nullptr when not bound, or no longer. Borrowed until the next bind().
  const Channel* by_number(std::uint16_t number, core::TimePoint now) const {
    for (const Channel& channel : channels_) {
      if (channel.number == number) return channel.expires > now ? &channel : nullptr;
    }
    return nullptr;
  }
  const Channel* by_peer(const PeerAddress& peer, core::TimePoint now) const {
    for (const Channel& channel : channels_) {
      if (channel.peer == peer && channel.expires > now) return &channel;
    }
    return nullptr;
  }

  enum class Verdict : std::uint8_t {
    free,     // neither the number nor the peer is bound
    refresh,  // they are bound to each other
    conflict, // one of them is bound to another
  };
  Verdict verdict(std::uint16_t number, const PeerAddress& peer, core::TimePoint now) const;

  // Not in conflict, and at most the caller's limit of live() ones.
  void bind(std::uint16_t number, const PeerAddress& peer, core::TimePoint now);

  // Those of forbidden peers.
  template <typename Forbidden>
  void end_if(Forbidden forbidden) {
    std::erase_if(channels_, [&](const Channel& each) { return forbidden(each.peer); });
  }

  std::size_t live(core::TimePoint now) const;

  // Of those that are live.
  template <typename Each>
  void for_each(core::TimePoint now, Each&& each) const {
    for (const Channel& channel : channels_) {
      if (channel.expires > now) each(channel);
    }
  }
  // One that for_each() told of, in an empty table.
  void restore(const Channel& channel) { channels_.push_back(channel); }

 private:
  std::vector<Channel> channels_;
};

} // namespace turnd
