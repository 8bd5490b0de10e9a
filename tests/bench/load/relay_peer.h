// The peers of all flows: one socket, and an address for each flow, since a server may tell flows apart by it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/event/fd.h"
#include "tests/bench/load/arrivals.h"

namespace bench {

class RelayPeer {
 public:
  explicit RelayPeer(bool gro);

  core::SocketAddress address(std::size_t flow) const;
  void send(core::Bytes payload, std::size_t flow, const core::SocketAddress& relay);
  // What has come by now, of payloads of one size.
  void receive(Arrivals& arrivals, std::size_t size);

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kRoom = 65'536;

  event::Fd fd_;
  core::SocketAddress address_;
  std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(kBatch * kRoom);
  std::array<iovec, kBatch> vectors_{};
  std::array<mmsghdr, kBatch> headers_{};
};

} // namespace bench
