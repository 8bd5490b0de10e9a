#include "turnd/shell/shared_reservations.h"

#include <utility>

#include "turnd/shell/relay_sockets.h"

namespace turnd {

std::size_t SharedReservations::count() {
  const std::lock_guard lock(mutex_);
  return sockets_.size();
}

event::Fd SharedReservations::adopt(const ReservationToken& token) {
  const std::lock_guard lock(mutex_);
  const auto found = sockets_.find(key_of(token));
  if (found == sockets_.end()) return {};
  event::Fd fd = std::move(found->second);
  sockets_.erase(found);
  return fd;
}

int SharedReservations::socket(const ReservationToken& token) {
  const std::lock_guard lock(mutex_);
  const auto found = sockets_.find(key_of(token));
  return found == sockets_.end() ? -1 : found->second.get();
}

void SharedReservations::put(const ReservationToken& token, event::Fd fd) {
  const std::lock_guard lock(mutex_);
  sockets_[key_of(token)] = std::move(fd);
}

bool WorkerReservations::has_room() {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.has_room();
}

bool WorkerReservations::hold(const ReservationToken& token, RelayId relay, Reserved reserved) {
  const std::lock_guard lock(shared_.mutex_);
  if (!shared_.table_.hold(token, relay, std::move(reserved))) return false;
  shared_.sockets_[key_of(token)] = sockets_.release(relay);
  return true;
}

std::optional<core::SocketAddress> WorkerReservations::take(const ReservationToken& token,
                                                            std::string_view username) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.take(token, username);
}

std::optional<Reserved> WorkerReservations::find(const ReservationToken& token) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.find(token);
}

bool WorkerReservations::expire(const ReservationToken& token) {
  const std::lock_guard lock(shared_.mutex_);
  if (!shared_.table_.expire(token)) return false;
  shared_.sockets_.erase(key_of(token));
  return true;
}

void WorkerReservations::return_port(unsigned worker, const core::SocketAddress& address) {
  const std::lock_guard lock(shared_.mutex_);
  shared_.table_.return_port(worker, address);
}

std::optional<core::SocketAddress> WorkerReservations::returned_port(unsigned worker) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.table_.returned_port(worker);
}

} // namespace turnd
