// Mobility (RFC 8016) as values: what an allocation keeps for it, and what workers tell each other
// when a client comes back from another address. Such a value owns all it holds, since it goes from
// one thread to another.
//
// The way of a client from worker A, which has its allocation, to a five-tuple of worker B:
//
//   client -> B   Refresh with the ticket
//   B -> A        MobilityQuestion: the Refresh as it came
//   A -> B        MobilityReply: who it is, checked with the allocation's own key; or a refusal.
//                 A still has the allocation, and serves it on its old five-tuple.
//   B -> client   the answer, with the next ticket. B has an Arrival: a five-tuple that is known.
//   client -> B   the first use of the new five-tuple
//   B -> A        AllocationWanted
//   A -> B        MovingAllocation: all of it, sockets included. The old five-tuple is forgotten.
//
// A and B may be one, then nothing is posted and the five-tuple is changed in place.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcore/base/deadline_wheel.h"
#include "libcore/base/time.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "turnd/relay/mobility_ticket.h"
#include "turnd/relay/types.h"

namespace turnd {

struct Allocation;

// A Refresh that comes with a ticket, and a few small attributes.
inline constexpr std::size_t kMaxMobileRefreshBytes = 2048;

// A five-tuple at a worker that waits for its allocation. The serial tells it from an earlier one.
struct ArrivalId {
  unsigned worker = 0;
  std::uint64_t serial = 0;
  FiveTuple five_tuple;
};

// Of an allocation.
struct Mobility {
  AllocationNumber number{};
  std::uint32_t generation = 0; // of the newest ticket
  // The five-tuple that the newest ticket was given to has been used, so it has arrived there: the
  // ticket before it is void.
  bool settled = true;
  stun::TransactionId transaction{};  // of the Refresh that the newest ticket answered
  std::optional<ArrivalId> candidate; // where the client will be as soon as it is heard there

  bool accepts(const Ticket& ticket) const {
    return ticket.generation == generation || (!settled && ticket.generation + 1 == generation);
  }
};

struct MobilityQuestion {
  ArrivalId arrival;
  unsigned owner = 0;
  Ticket ticket;
  std::vector<std::uint8_t> refresh;
};

struct MobilityReply {
  enum class Outcome : std::uint8_t {
    granted, // the new five-tuple may be used
    ended,   // lifetime 0: the allocation, or one family of it, is gone
    refused,
    elsewhere, // the worker that was asked hasn't got it
  };
  ArrivalId arrival;
  Outcome outcome = Outcome::elsewhere;
  stun::ErrorCode refusal{};
  std::uint32_t lifetime = 0;
  Ticket ticket; // the next
  std::string username;
  stun::Key key; // signs the answer; empty when nobody has been authenticated
  stun::PasswordAlgorithm algorithm{};
  stun::Integrity integrity{};
  std::vector<std::uint8_t> refresh; // as in the question
};

struct AllocationWanted {
  ArrivalId arrival;
  unsigned owner = 0;
  Ticket ticket;
};

struct MovingAllocation {
  struct Relay {
    RelayId id; // the giver's; adopt() puts the taker's here
    core::SocketAddress address;
    core::IpAddress advertised; // in its place
  };
  ArrivalId arrival;
  Ticket ticket;
  std::unique_ptr<Allocation> allocation; // nullptr: it isn't there to be had
  core::TimePoint expires;
  std::array<std::optional<Relay>, 2> relays; // by core::Family
};

// What the worker of the new five-tuple keeps, from the question to the allocation's coming.
struct Arrival {
  // Of one five-tuple; what is more is dropped, as datagrams may be. Frames of a stream that are
  // requests would not come again, but no client sends this many before the first is answered.
  static constexpr std::size_t kMaxHeld = 64;
  static constexpr std::size_t kMaxHeldBytes = std::size_t{128} << 10;
  // Each time the allocation had moved on when its owner was asked.
  static constexpr std::uint8_t kLookups = 3;

  enum class State : std::uint8_t {
    asking,   // the owner has the Refresh
    expected, // it was granted: the next packet moves the allocation
    fetching, // the allocation is on its way
  };

  ArrivalId id;
  ClientTag client{};
  State state = State::asking;
  Ticket ticket; // that came; once granted, the next
  stun::TransactionId transaction{};
  bool fingerprint = false;
  std::uint8_t lookups_left = kLookups;
  std::uint32_t lifetime = 0;
  struct Held {
    std::vector<std::uint8_t> bytes;
    IpFields ip;
  };
  std::string username;
  stun::Key key;
  stun::PasswordAlgorithm algorithm{};
  stun::Integrity integrity{}; // of the answer
  std::vector<Held> held;      // packets for the allocation
  std::size_t held_bytes = 0;
  core::Deadline expiry;

  Arrival(ArrivalId arrival, int deadline_kind)
      : id(std::move(arrival)), expiry(this, deadline_kind) {}
};

} // namespace turnd
