// A worker's part in a take-over, on either side: turnd/relay/take_over.h.
#include <memory>
#include <utility>

#include "turnd/shell/worker.h"

namespace turnd {
namespace {

LinkState listener_state(Transport transport, const core::SocketAddress& address,
                         const core::SocketAddress& configured) {
  LinkState state;
  state.kind = LinkState::Kind::listener;
  state.five_tuple.transport = transport;
  state.five_tuple.server = address;
  state.configured = configured;
  return state;
}

} // namespace

// ---- the old process

Leaving Worker::listeners_leaving() {
  Leaving leaving;
  const auto add = [&](Transport transport, const Listener& listener, int fd) {
    leaving.links.push_back(listener_state(transport, listener.bound, listener.settings.address));
    leaving.link_sockets.push_back({fd});
  };
  for (const auto& each : udp_listeners_) add(Transport::udp, *each->listener(), each->fd());
  for (const auto& each : dtls_listeners_) add(Transport::dtls, *each->listener(), each->fd());
  for (const auto& each : stream_listeners_) {
    if (each->acceptor) add(each->transport(), *each->listener, each->acceptor->fd());
  }
  return leaving;
}

void Worker::stop_reading() {
  flush();
  loop_.pause_polling();
}

LinkOf Worker::link_of() const {
  return [this](ClientTag tag) -> std::optional<LinkNumber> {
    const auto found = leaving_.find(tag);
    return found == leaving_.end() ? std::nullopt : std::optional(found->second);
  };
}

core::Result<Leaving> Worker::leave() {
  offload_.leave(loop_.now());
  Leaving leaving = listeners_leaving();
  leaving_.clear();
  const auto number = [](std::size_t index) { return static_cast<LinkNumber>(index); };
  for (std::size_t i = 0; i < udp_listeners_.size(); ++i) {
    leaving_.emplace(udp_listeners_[i]->tag(), number(i));
  }

  for (std::size_t i = 0; i < dtls_listeners_.size(); ++i) {
    const std::size_t link = udp_listeners_.size() + i;
    auto groups = dtls_listeners_[i]->leave();
    if (!groups) return std::unexpected(groups.error());
    for (auto& [clients, passage] : *groups) {
      leaving.links[link].served_elsewhere.push_back(std::move(clients));
      leaving.link_sockets[link].push_back(passage);
    }
  }

  for (const auto& [five_tuple, client] : stream_clients_) {
    auto state = client->leave();
    if (!state) continue;
    leaving_.emplace(client->tag(), number(leaving.links.size()));
    leaving.links.push_back(*std::move(state));
    leaving.link_sockets.push_back({client->fd()});
  }

  leaving.server = server_.state(link_of(), loop_.now());
  for (const AllocationState& each : leaving.server.allocations) {
    for (const auto& relay : each.relays) {
      if (relay) leaving.relay_sockets.push_back(relay_sockets_.fd(relay->id));
    }
  }
  for (const ReservationState& each : leaving.server.reservations) {
    leaving.relay_sockets.push_back(service_.reservations().socket(each.token));
  }
  return leaving;
}

void Worker::stay() {
  for (const auto& each : dtls_listeners_) each->stay();
  for (const auto& [five_tuple, client] : stream_clients_) {
    if (leaving_.contains(client->tag())) client->stay();
  }
  leaving_.clear();
  offload_.stay(loop_.now());
  carry_out_commands();
  loop_.resume_polling();
}

void Worker::let_go() {
  server_.let_go(link_of());
  carry_out_commands();
  for (auto each = stream_clients_.begin(); each != stream_clients_.end();) {
    StreamClient& client = *each->second;
    if (!leaving_.contains(client.tag())) {
      ++each;
      continue;
    }
    if (client.unproven()) --unproven_;
    client.close_here();
    loop_.retire(std::move(each->second));
    each = stream_clients_.erase(each);
  }
  udp_listeners_.clear();
  for (const auto& each : dtls_listeners_) each->let_go();
  for (const auto& each : stream_listeners_) each->acceptor.reset();
  leaving_.clear();
  given_ = draining_ = true;
  loop_.resume_polling();
  loop_.run_at_end(end_task_);
}

// Connections without an allocation count: theirs may be about to come.
void Worker::count_left() {
  std::size_t left = stream_clients_.size();
  for (const auto& each : stream_listeners_) left += each->headers->waiting();
  for (const auto& each : dtls_listeners_) left += each->clients();
  left_.store(left, std::memory_order_relaxed);
}

// ---- the new process

void Worker::take_up(LinkNumber link, LinkState& state, event::Fd connection) {
  close_older(state.five_tuple);
  // It counts with the listener that it came by. A proxy's client names another address, and counts with
  // none.
  auto figures = std::make_shared<ClientFigures>();
  for (const auto& each : stream_listeners_) {
    const bool came_by = each->transport() == state.five_tuple.transport &&
                         each->listener->bound.port() == state.five_tuple.server.port();
    if (came_by) figures = each->clients;
  }
  auto client = std::make_unique<StreamClient>(*this, state.five_tuple, std::move(figures));
  if (!client->start(std::move(connection), nullptr)) return;
  ++unproven_;
  StreamClient& added = *client;
  stream_clients_.emplace(state.five_tuple, std::move(client));
  taken_up_.emplace(link, &added);
  added.take_up(state);
}

void Worker::take_up(LinkNumber link, LinkState& state, std::vector<event::Fd> passages) {
  const auto listener = taken_up_dtls_.find(link);
  if (listener == taken_up_dtls_.end()) return;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    listener->second->hand_on_to(std::move(passages[i]), state.served_elsewhere[i]);
  }
}

// The loop's own time is that of its making: it has not run yet.
void Worker::take_up(ServerState& state, std::vector<event::Fd> sockets) {
  const auto tag_of = [this](LinkNumber link) {
    const auto found = taken_up_.find(link);
    return found == taken_up_.end() ? kNoClient : found->second->tag();
  };
  server_.resume(state, tag_of, event::read_now());
  auto next = sockets.begin();
  for (const AllocationState& each : state.allocations) {
    for (const auto& relay : each.relays) {
      if (relay) relay_sockets_.adopt(relay->id, std::move(*next++));
    }
  }
  for (const ReservationState& each : state.reservations) {
    service_.reservations().put(each.token, std::move(*next++));
  }
  taken_up_.clear();
  taken_up_dtls_.clear();
  loop_.run_at_end(end_task_);
}

void Worker::go_on_with_offload(KernelRelay& kernel, std::uint32_t first, std::uint32_t count) {
  offload_.use(kernel, first, count, event::read_now());
  carry_out_commands();
}

} // namespace turnd
