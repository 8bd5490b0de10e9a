// What one worker shows of itself, beside what its Server counts: plain numbers of its thread, of which
// others get a copy.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/bucket_counts.h"
#include "turnd/relay/counters.h"
#include "turnd/relay/offload_table.h"

namespace turnd {

// Datagrams that one system call brought.
inline constexpr std::array kBatchSizes{1.0, 2.0, 4.0, 8.0, 16.0, 32.0};
using BatchSizes = core::BucketCounts<kBatchSizes>;

// Datagrams that the kernel would not send.
struct SendLosses {
  enum class Reason : std::uint8_t {
    no_room,     // the socket's buffer or the device's queue is full
    unreachable, // no way to there, or it has said so
    too_long,    //
    forbidden,   // by a firewall of this machine
    other,
  };
  static constexpr std::size_t kReasons = 5;

  std::array<std::uint64_t, kReasons> by_reason{};

  void count(int error); // errno
  std::uint64_t all() const;
  SendLosses& operator+=(const SendLosses& other);
};
std::string_view name_of(SendLosses::Reason reason);

// Of one listener's connections or sessions, which may outlive it.
struct ClientFigures {
  std::uint64_t now = 0;      // that are connected
  std::uint64_t accepted = 0; // connections, or DTLS clients that brought their cookie
  std::uint64_t refused = 0;  // there were too many without an allocation
  std::uint64_t handshakes = 0;
  std::uint64_t failed_handshakes = 0;

  ClientFigures& operator+=(const ClientFigures& other);
};

struct ListenerFigures {
  Transport transport = Transport::udp;
  core::SocketAddress address;
  ClientFigures clients{};       // not of UDP, which has none
  std::uint64_t queue_drops = 0; // datagrams for which the kernel had no room
};

struct WorkerFigures {
  Counters counters;
  AllocationFigures allocations;
  std::vector<ListenerFigures> listeners;
  SendLosses losses;
  BatchSizes received;
  OffloadFigures offload;
  std::uint64_t relay_queue_drops = 0; // as of listeners, of the relay sockets
  std::uint64_t backlog_drops = 0;     // data that was too old for a slow TCP client
  std::uint64_t buffer_bytes = 0;      // that hold what waits for slow clients
  std::uint64_t tunnels = 0;           // RFC 6062
  std::uint64_t proxies_refused = 0;   // whose PROXY header was wrong

  // Listeners of the same transport and address are one.
  WorkerFigures& operator+=(const WorkerFigures& other);
};

} // namespace turnd
