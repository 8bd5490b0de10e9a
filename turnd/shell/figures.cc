#include "turnd/shell/figures.h"

#include <algorithm>
#include <cerrno>

namespace turnd {
namespace {

SendLosses::Reason reason_of(int error) {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return SendLosses::Reason::no_room;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNREFUSED:
    case EHOSTDOWN:
    case ENETDOWN:
    case EADDRNOTAVAIL:
      return SendLosses::Reason::unreachable;
    case EMSGSIZE:
      return SendLosses::Reason::too_long;
    case EPERM:
    case EACCES:
      return SendLosses::Reason::forbidden;
    default:
      return SendLosses::Reason::other;
  }
}

} // namespace

void SendLosses::count(int error) { ++by_reason[static_cast<std::size_t>(reason_of(error))]; }

std::uint64_t SendLosses::all() const {
  std::uint64_t all = 0;
  for (const std::uint64_t count : by_reason) all += count;
  return all;
}

SendLosses& SendLosses::operator+=(const SendLosses& other) {
  for (std::size_t i = 0; i < kReasons; ++i) by_reason[i] += other.by_reason[i];
  return *this;
}

std::string_view name_of(SendLosses::Reason reason) {
  switch (reason) {
    case SendLosses::Reason::no_room:
      return "no_room";
    case SendLosses::Reason::unreachable:
      return "unreachable";
    case SendLosses::Reason::too_long:
      return "too_long";
    case SendLosses::Reason::forbidden:
      return "forbidden";
    case SendLosses::Reason::other:
      return "other";
  }
  return {};
}

ClientFigures& ClientFigures::operator+=(const ClientFigures& other) {
  now += other.now;
  accepted += other.accepted;
  refused += other.refused;
  handshakes += other.handshakes;
  failed_handshakes += other.failed_handshakes;
  return *this;
}

WorkerFigures& WorkerFigures::operator+=(const WorkerFigures& other) {
  counters += other.counters;
  allocations += other.allocations;
  for (const ListenerFigures& each : other.listeners) {
    const auto same = std::ranges::find_if(listeners, [&](const ListenerFigures& mine) {
      return mine.transport == each.transport && mine.address == each.address;
    });
    if (same == listeners.end()) {
      listeners.push_back(each);
    } else {
      same->clients += each.clients;
      same->queue_drops += each.queue_drops;
    }
  }
  losses += other.losses;
  received += other.received;
  offload += other.offload;
  relay_queue_drops += other.relay_queue_drops;
  backlog_drops += other.backlog_drops;
  buffer_bytes += other.buffer_bytes;
  tunnels += other.tunnels;
  proxies_refused += other.proxies_refused;
  return *this;
}

} // namespace turnd
