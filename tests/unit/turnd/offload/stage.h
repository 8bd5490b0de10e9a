// A network namespace with two interfaces that run the program, and a turnd::Server beside it: whatever
// frame comes, both are asked.
//
//   clients 192.0.2.0/24, 2001:db8:c::/64 -- outside [turnd] inside -- peers 203.0.113.0/24, 2001:db8:9::/64
//   behind a router 192.0.2.254: 198.51.100.0/24, whose link takes 1280 bytes
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/support/turn/scene.h"
#include "tests/unit/turnd/offload/frames.h"
#include "turnd/offload/kernel_relay.h"

namespace offload_test {

inline constexpr const char* kOutsideIpv4 = "192.0.2.1";
inline constexpr const char* kOutsideIpv6 = "2001:db8:c::1";
inline constexpr const char* kInsideIpv4 = "203.0.113.1";
inline constexpr const char* kInsideIpv6 = "2001:db8:9::1";

enum class Side : std::uint8_t { outside, inside };

// Made once, and the process stays in it. Skips the test where the kernel doesn't let us.
struct Network {
  std::array<turnd::OffloadInterface, 2> interfaces;
  static const Network& get();
  const turnd::OffloadInterface& at(Side side) const {
    return interfaces[static_cast<std::size_t>(side)];
  }
};

// Of whoever is out there, as the neighbour tables have it.
inline constexpr Mac kOutsideNeighbour{2, 0, 0, 0, 0, 0x0c};
inline constexpr Mac kInsideNeighbour{2, 0, 0, 0, 0, 0x09};
inline constexpr Mac kRouter{2, 0, 0, 0, 0, 0xfe};

struct Outcome {
  enum class Action : std::uint8_t { aborted, drop, pass, sent_back, redirected };
  Action action;
  Buffer bytes;
};

class Stage {
 public:
  Stage();

  // A client that has allocated and bound channel 0x4001 to the peer; its binding is offloaded.
  struct Call {
    turn_test::Client client;
    turnd::OffloadBinding binding;
    turnd::RelayId relay;
  };
  Call& call(const char* client, const char* peer);

  // What the program does with a frame that comes by this interface.
  Outcome run(Side side, core::Bytes frame) const;
  Outcome run_once(int program, Side side, core::Bytes frame) const;
  // What turnd's core would have sent for it, in the addresses of IP; nullopt: nothing.
  std::optional<Frame> core_of(const Buffer& received);

  static Frame from_client(const Call& call, const std::string& payload);
  static Frame from_peer(const Call& call, const std::string& payload);

  turnd::OffloadCounts counts(std::size_t call) const {
    return kernel->counts(static_cast<std::uint32_t>(call));
  }
  std::uint64_t passed(OffloadPass why) const { return kernel->passes()[why]; }

  std::unique_ptr<turnd::KernelRelay> kernel;
  turn_test::Scene scene;
  std::vector<std::unique_ptr<Call>> calls;
};

} // namespace offload_test
