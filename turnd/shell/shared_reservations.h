// The reserved relay sockets of all workers, and each worker's view of them.
#pragma once

#include <mutex>
#include <unordered_map>

#include "libcore/event/fd.h"
#include "turnd/relay/reservations.h"

namespace turnd {

class RelaySockets;

class SharedReservations {
 public:
  explicit SharedReservations(unsigned workers) : table_(workers) {}

  // The socket of a reservation that was taken; empty when there is none. From any thread.
  event::Fd adopt(const ReservationToken& token);
  // For another process: -1 when there is none. And back, where the table knows the token already.
  int socket(const ReservationToken& token);
  void put(const ReservationToken& token, event::Fd fd);

  std::size_t count();

 private:
  friend class WorkerReservations;
  std::mutex mutex_; // over what follows
  ReservationTable table_;
  std::unordered_map<std::uint64_t, event::Fd> sockets_; // by token
};

class WorkerReservations final : public Reservations {
 public:
  WorkerReservations(SharedReservations& shared, RelaySockets& sockets)
      : shared_(shared), sockets_(sockets) {}
  virtual ~WorkerReservations() = default;

  bool has_room() override;
  bool hold(const ReservationToken& token, RelayId relay, Reserved reserved) override;
  std::optional<core::SocketAddress> take(const ReservationToken& token,
                                          std::string_view username) override;
  std::optional<Reserved> find(const ReservationToken& token) override;
  bool expire(const ReservationToken& token) override;
  void return_port(unsigned worker, const core::SocketAddress& address) override;
  std::optional<core::SocketAddress> returned_port(unsigned worker) override;

 private:
  SharedReservations& shared_;
  RelaySockets& sockets_;
};

} // namespace turnd
