// The IP fields that a socket gives to what it sends without being told. Most of what leaves a socket
// has the same ones, so the socket is told once, and the kernel has nothing to parse beside a datagram.
#pragma once

#include "turnd/relay/types.h"

namespace turnd {

class StandingFields {
 public:
  // As many data in a row that are unlike the socket make it worth two calls to change it.
  static constexpr int kUnlikeInARow = 16;

  StandingFields() = default; // of a new socket: the kernel's defaults
  explicit StandingFields(const IpFields& fields) : fields_(fields) {}

  const IpFields& get() const { return fields_; }

  // Whether the socket should be told of these before a datagram with them leaves.
  bool should_become(const IpFields& ip) {
    const bool alike =
        ip.traffic_class == fields_.traffic_class && ip.hop_limit == fields_.hop_limit;
    unlike_ = alike ? 0 : unlike_ + 1;
    return unlike_ >= kUnlikeInARow;
  }
  void become(const IpFields& ip) {
    fields_ = ip;
    unlike_ = 0;
  }

 private:
  IpFields fields_;
  int unlike_ = 0;
};

} // namespace turnd
