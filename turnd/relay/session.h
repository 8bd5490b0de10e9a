// What people see of an allocation: a name to call it by, how old it is, and what it has relayed. It
// goes where the allocation goes, to another worker or another process, so that all of it stays true.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/time.h"
#include "turnd/relay/types.h"

namespace turnd {

// "<worker>-<number>": of the worker that made it, whichever has it now. Never given again.
struct SessionId {
  unsigned worker = 0;
  std::uint64_t number = 0; // from 1

  friend auto operator<=>(const SessionId&, const SessionId&) = default;
};
std::string to_string(const SessionId& id);
std::optional<SessionId> parse_session_id(std::string_view text);

struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0; // of the payloads

  void add(std::size_t size) {
    ++packets;
    bytes += size;
  }
  Traffic& operator+=(const Traffic& other) {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct Session {
  SessionId id;
  core::TimePoint since; // of the machine's clock, the same in another process
  Traffic to_peers;
  Traffic to_client;
};

// A copy, for another thread.
struct SessionView {
  static constexpr std::size_t kMaxPeers = 16; // that are named

  Session session; // the bytes of its tunnels included
  std::string user;
  FiveTuple five_tuple;
  bool has_client = true;                  // false: a mobile client's connection has ended
  std::vector<core::SocketAddress> relays; // as clients are told
  bool tcp = false;
  bool mobile = false;
  core::Duration left{};
  std::size_t permissions = 0;
  std::size_t channels = 0;
  std::size_t connections = 0;
  std::vector<core::SocketAddress> peers; // of channels and connections; of permissions with port 0
};

} // namespace turnd
