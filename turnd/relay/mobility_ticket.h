// The value of MOBILITY-TICKET (RFC 8016 section 3.3): which allocation, and the how manieth of its
// tickets, so that a server can tell its own tickets from others' without keeping any.
//
//    0                   8           12                  24
//    +-------------------+-----------+-------------------+
//    | allocation        | generation| tag               |   in base64: 32 characters
//    +-------------------+-----------+-------------------+
//
// The allocation's number is random, and says nothing. The tag is an HMAC-SHA256 over both with a
// random key of the process, cut to 96 bits. Text, and no longer than this, since there are clients
// that keep it as a string (coturn's).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/bytes.h"

namespace turnd {

enum class AllocationNumber : std::uint64_t {}; // among all workers' mobile allocations

struct Ticket {
  AllocationNumber allocation{};
  std::uint32_t generation = 0;
};

class TicketMaker {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kTicketBytes = 32;
  using Key = std::array<std::uint8_t, kKeyBytes>;
  using Value = std::array<std::uint8_t, kTicketBytes>;

  // All workers of a process have the same key: a client may come to any.
  explicit TicketMaker(const Key& key) : key_(key) {}

  Value make(const Ticket& ticket) const;
  // nullopt: not made with this key. Compared in constant time.
  std::optional<Ticket> open(core::Bytes value) const;

 private:
  Key key_;
};

} // namespace turnd
