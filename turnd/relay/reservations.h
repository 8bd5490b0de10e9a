// Relay sockets that wait for their second Allocate (RFC 8656 section 7.2, EVEN-PORT with R). The
// kernel deals clients out to workers by address, so the token may come to another worker than the
// one that bound the socket: the socket then moves there, and when it is closed its port goes home
// to the worker that deals it out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "turnd/relay/types.h"

namespace turnd {

struct Reserved {
  core::SocketAddress address;
  std::string username; // who alone may take it
};

// What a server asks. Each worker has its own view of what all of them share.
class Reservations {
 public:
  static constexpr std::size_t kMax = 1024; // in all: each is an open socket

  virtual bool has_room() = 0;
  // Puts the worker's socket `relay` aside. False, and the socket stays, when there is no room.
  virtual bool hold(const ReservationToken& token, RelayId relay, Reserved reserved) = 0;
  // Gives it to this user, once; OpenRelay with the token then finds the socket.
  virtual std::optional<core::SocketAddress> take(const ReservationToken& token,
                                                  std::string_view username) = 0;
  // nullopt: it was taken before.
  virtual std::optional<Reserved> find(const ReservationToken& token) = 0;
  // Closes it; false when it was taken before.
  virtual bool expire(const ReservationToken& token) = 0;

  virtual void return_port(unsigned worker, const core::SocketAddress& address) = 0;
  virtual std::optional<core::SocketAddress> returned_port(unsigned worker) = 0;

 protected:
  ~Reservations() = default;
};

// The book-keeping, without sockets, for one thread at a time.
class ReservationTable final : public Reservations {
 public:
  explicit ReservationTable(unsigned workers) : returned_(workers) {}
  ~ReservationTable() = default;

  bool has_room() override { return held_.size() < kMax; }
  bool hold(const ReservationToken& token, RelayId relay, Reserved reserved) override;
  std::optional<core::SocketAddress> take(const ReservationToken& token,
                                          std::string_view username) override;
  std::optional<Reserved> find(const ReservationToken& token) override;
  bool expire(const ReservationToken& token) override;
  void return_port(unsigned worker, const core::SocketAddress& address) override;
  std::optional<core::SocketAddress> returned_port(unsigned worker) override;

 private:
  std::unordered_map<std::uint64_t, Reserved> held_;      // by token
  std::vector<std::deque<core::SocketAddress>> returned_; // by worker
};

// A token as a table's key.
std::uint64_t key_of(const ReservationToken& token);

} // namespace turnd
