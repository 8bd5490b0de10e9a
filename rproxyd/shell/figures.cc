#include "rproxyd/shell/figures.h"

#include <algorithm>
#include <numeric>

namespace rproxyd {
namespace {

// What no longer has a place of its own.
constexpr std::string_view kOthers = "(others)";

template <typename T, std::size_t N>
void add(std::array<T, N>& to, const std::array<T, N>& from) {
  for (std::size_t i = 0; i < N; ++i) to[i] += from[i];
}

void add(event::Traffic& to, const event::Traffic& from) {
  to.received += from.received;
  to.sent += from.sent;
}

template <typename Figures>
Figures& place(std::map<std::string, Figures, std::less<>>& all, std::string_view name,
               std::size_t most) {
  const auto known = all.find(name);
  if (known != all.end()) return known->second;
  return all[std::string(all.size() < most ? name : kOthers)];
}

template <typename Figures>
void add(std::map<std::string, Figures, std::less<>>& to,
         const std::map<std::string, Figures, std::less<>>& from) {
  for (const auto& [name, figures] : from) to[name] += figures;
}

} // namespace

void ExchangeFigures::note(const ExchangeSummary& summary) {
  statuses.note(summary.status);
  if (summary.first_byte) first_byte.note(*summary.first_byte);
  if (summary.lasting == Lasting::no) whole.note(summary.whole);
}

ExchangeFigures& ExchangeFigures::operator+=(const ExchangeFigures& other) {
  statuses += other.statuses;
  first_byte += other.first_byte;
  whole += other.whole;
  return *this;
}

PoolFigures& PoolFigures::operator+=(const PoolFigures& other) {
  exchanges += other.exchanges;
  connect += other.connect;
  retries += other.retries;
  retries_refused += other.retries_refused;
  return *this;
}

ListenerFigures& ListenerFigures::operator+=(const ListenerFigures& other) {
  accepted += other.accepted;
  open += other.open;
  if (other.listening) {
    transport = other.transport;
    number = other.number;
    listening = true;
  }
  return *this;
}

void TlsFigures::note(const tls::Session& session, core::Duration took) {
  const auto version = std::ranges::find(kVersions, std::string_view(session.version()));
  const auto index = std::min<std::ptrdiff_t>(version - kVersions.begin(),
                                              static_cast<std::ptrdiff_t>(kVersions.size()) - 1);
  ++handshakes[static_cast<std::size_t>(index)][session.resumed() ? 1 : 0];
  handshake.note(took);
}

TlsFigures& TlsFigures::operator+=(const TlsFigures& other) {
  for (std::size_t i = 0; i < handshakes.size(); ++i) add(handshakes[i], other.handshakes[i]);
  add(failures, other.failures);
  handshake += other.handshake;
  return *this;
}

PoolFigures& WorkerFigures::pool(std::string_view name) { return place(pools, name, kMaxPools); }

ListenerFigures& WorkerFigures::listener(std::string_view address) {
  return place(listeners, address, kMaxListeners);
}

void WorkerFigures::note(const ExchangeSummary& summary) {
  --exchanges_open;
  if (summary.lasting != Lasting::no) --lasting_open[static_cast<std::size_t>(summary.lasting)];
  if (summary.served_by == ServedBy::pool) return pool(summary.pool).exchanges.note(summary);
  others[static_cast<std::size_t>(summary.served_by)].note(summary);
}

std::uint64_t WorkerFigures::requests() const {
  std::uint64_t count = malformed.statuses.total();
  for (const ExchangeFigures& each : others) count += each.statuses.total();
  for (const auto& [name, pool] : pools) count += pool.exchanges.statuses.total();
  return count;
}

std::uint64_t WorkerFigures::server_errors() const {
  std::uint64_t count = malformed.statuses.of_class(5);
  for (const ExchangeFigures& each : others) count += each.statuses.of_class(5);
  for (const auto& [name, pool] : pools) count += pool.exchanges.statuses.of_class(5);
  return count;
}

std::uint64_t WorkerFigures::connections() const {
  return std::accumulate(connections_open.begin(), connections_open.end(), std::uint64_t{0});
}

core::Histogram WorkerFigures::first_byte() const {
  core::Histogram all;
  for (const ExchangeFigures& each : others) all += each.first_byte;
  for (const auto& [name, pool] : pools) all += pool.exchanges.first_byte;
  return all;
}

WorkerFigures& WorkerFigures::operator+=(const WorkerFigures& other) {
  add(pools, other.pools);
  add(others, other.others);
  malformed += other.malformed;
  add(requests_by_version, other.requests_by_version);
  exchanges_open += other.exchanges_open;
  add(lasting_open, other.lasting_open);
  add(lasting_begun, other.lasting_begun);
  turn_begun += other.turn_begun;
  turn_unreachable += other.turn_unreachable;
  add(listeners, other.listeners);
  add(connections_open, other.connections_open);
  add(connections_refused, other.connections_refused);
  accept_pauses += other.accept_pauses;
  tls += other.tls;
  add(clients, other.clients);
  add(turn, other.turn);
  kept.insert(kept.end(), other.kept.begin(), other.kept.end());
  add(backends, other.backends);
  buffered_bytes += other.buffered_bytes;
  access_lines_lost += other.access_lines_lost;
  return *this;
}

} // namespace rproxyd
