// An allocation: what the server keeps for one client (RFC 8656 section 5).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcore/base/deadline_wheel.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "turnd/relay/bandwidth.h"
#include "turnd/relay/channels.h"
#include "turnd/relay/icmp.h"
#include "turnd/relay/mobility.h"
#include "turnd/relay/offload.h"
#include "turnd/relay/permissions.h"
#include "turnd/relay/quota.h"
#include "turnd/relay/session.h"
#include "turnd/relay/tcp_relay.h"
#include "turnd/relay/types.h"

namespace turnd {

// The time between an Allocate that was found good and its answer: until the sockets are bound.
struct Opening {
  struct Socket {
    RelayId relay;
    bool reserved = false; // the odd port of a pair: held for a later Allocate
    bool open = false;
  };

  core::Duration lifetime{};
  core::Family family = core::Family::ipv4;
  bool dual = false; // IPv4 and IPv6; one of them may fail
  bool even_port = false;
  bool tcp = false;
  bool mobile = false;
  bool reserve_next = false;
  std::uint8_t attempts_left = 0;
  std::vector<Socket> sockets;
};

// What of an allocation's data doesn't come here. See offload_table.h.
struct Offloaded {
  static constexpr int kPaused = 4; // kind of the deadline, among the server's

  std::vector<OffloadNumber> numbers;
  std::vector<OffloadNumber> ending; // of which the last that was counted is still to be told
  core::Deadline paused;             // set: above a limit

  explicit Offloaded(Allocation* owner) : paused(owner, kPaused) {}
};

// Lives in a server's table, at one place in memory; a mobile one may go to another server's.
struct Allocation {
  FiveTuple five_tuple;
  ClientTag client{};
  Session session;
  stun::TransactionId transaction{}; // of the Allocate, to know its retransmissions
  bool fingerprint = false;          // the Allocate carried one, so its answer does

  std::string username;
  stun::Key key;
  stun::PasswordAlgorithm algorithm{}; // that made the key
  stun::Integrity integrity{};         // of the Allocate, and so of its answer
  std::optional<core::WallTime> until; // the end of the access token that brought the key
  Quota::Ticket ticket;

  std::array<std::optional<RelayId>, 2> relays;          // by core::Family
  std::optional<ReservationToken> reservation;           // what the answer promised
  std::array<std::optional<stun::ErrorCode>, 2> refused; // of a dual allocation, by core::Family
  std::unique_ptr<Opening> opening;                      // nullptr: live

  std::unique_ptr<TcpRelay> tcp;      // nullptr: it relays UDP
  std::unique_ptr<Mobility> mobility; // nullptr: bound to its five-tuple

  Permissions permissions;
  Channels channels;
  Bandwidth bandwidth;
  IcmpAllowance icmp;
  core::Deadline expiry{this};
  Offloaded offloaded{this};

  std::optional<RelayId>& relay(core::Family family) {
    return relays[static_cast<std::size_t>(family)];
  }
  std::optional<stun::ErrorCode>& refused_code(core::Family family) {
    return refused[static_cast<std::size_t>(family)];
  }
  const std::optional<stun::ErrorCode>& refused_code(core::Family family) const {
    return refused[static_cast<std::size_t>(family)];
  }
  const std::optional<RelayId>& relay(core::Family family) const {
    return relays[static_cast<std::size_t>(family)];
  }
};

} // namespace turnd
