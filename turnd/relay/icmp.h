// What came back for a datagram that a relay socket sent (RFC 8656 section 11.5).
#pragma once

#include <cstdint>
#include <optional>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace turnd {

// The kernel has checked what the message quotes: it is a datagram of this socket's.
struct IcmpError {
  core::Family family = core::Family::ipv4; // ICMP or ICMPv6
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t mtu = 0; // where the message has one
};

// The value of an ICMP attribute (section 18.13); nullopt for messages that are not relayed.
//
//    0                   1                   2                   3
//    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//    |         reserved              |  type (7)   |    code (9)     |
//    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//    |                  error data: an MTU, or 0                     |
//    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct IcmpValue {
  std::uint32_t type_and_code = 0;
  std::uint32_t error_data = 0;
};
inline std::optional<IcmpValue> icmp_value(const IcmpError& error) {
  constexpr std::uint8_t kUnreachable = 3;
  constexpr std::uint8_t kFragmentationNeeded = 4; // of kUnreachable
  constexpr std::uint8_t kTimeExceeded = 11;
  constexpr std::uint8_t kUnreachableV6 = 1;
  constexpr std::uint8_t kPacketTooBigV6 = 2;
  constexpr std::uint8_t kTimeExceededV6 = 3;

  const IcmpValue value{.type_and_code = std::uint32_t{error.type} << 9 | error.code};
  const IcmpValue with_mtu{.type_and_code = value.type_and_code, .error_data = error.mtu};
  if (error.family == core::Family::ipv4) {
    if (error.type == kUnreachable) return error.code == kFragmentationNeeded ? with_mtu : value;
    return error.type == kTimeExceeded ? std::optional(value) : std::nullopt;
  }
  if (error.type == kPacketTooBigV6) return with_mtu;
  const bool relayed = error.type == kUnreachableV6 || error.type == kTimeExceededV6;
  return relayed ? std::optional(value) : std::nullopt;
}

// How many of them one client is told: whoever forges them, or has a client send where nobody
// listens, can't drown it.
class IcmpAllowance {
 public:
  static constexpr std::uint32_t kPerSecond = 10;

  bool admit(core::TimePoint now) {
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    const auto this_second = static_cast<std::uint32_t>(second.count());
    if (second_ != this_second) {
      second_ = this_second;
      told_ = 0;
    }
    if (told_ == kPerSecond) return false;
    ++told_;
    return true;
  }

 private:
  std::uint32_t second_ = 0;
  std::uint32_t told_ = 0;
};

} // namespace turnd
