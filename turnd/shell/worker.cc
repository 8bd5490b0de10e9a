#include "turnd/shell/worker.h"

#include <utility>

namespace turnd {

Worker::Worker(Service& service, ServerConfig config, std::vector<ListenerSocket> listeners)
    : service_(service),
      server_(std::move(config), service.authenticator(),
              {.quota = service.quota(),
               .reservations = reservations_,
               .mobile_allocations = service.mobile_allocations(),
               .peer_connections = peer_connections_,
               .sibling_loads = service.sibling_loads()},
              random_, loop_.now().steady) {
  service_.fellows().join(*this);
  set_listeners(std::move(listeners));
}

Worker::~Worker() = default;

void Worker::run() { loop_.run(); }

void Worker::drain() {
  loop_.post([this] { drain_here(); });
}

void Worker::stop() {
  loop_.post([this] { end(); });
}

void Worker::change_to(Change change) {
  loop_.post([this, change = std::move(change)]() mutable {
    to_peers_.flush(); // it refers to sockets that may be about to go
    server_.set_config(std::move(change.config), loop_.now());
    server_.set_credentials(std::move(change.credentials));
    server_.set_nonces(change.nonces);
    carry_out_commands();
    set_listeners(std::move(change.listeners));
    loop_.run_at_end(end_task_);
  });
}

void Worker::use_offload(KernelRelay& kernel, std::uint32_t first, std::uint32_t count) {
  loop_.post([this, &kernel, first, count] {
    offload_.use(kernel, first, count, loop_.now());
    carry_out_commands();
    loop_.run_at_end(end_task_);
  });
}

// Before anybody looks at what sessions and counters say, and now and then.
void Worker::count_offloaded() {
  if (offload_.empty()) return;
  offload_.count(loop_.now());
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

// ---- the way of a packet

DatagramBuffers& Worker::buffers_with_room() {
  if (buffers_.free() == 0) flush();
  loop_.run_at_end(end_task_);
  return buffers_;
}

void Worker::from_client(const FiveTuple& five_tuple, ClientLink& client, core::Bytes bytes,
                         const IpFields& ip) {
  carry_out(server_.from_client(five_tuple, client.tag(), bytes, loop_.now(), ip));
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

void Worker::from_peer(RelayId relay, const PeerAddress& peer, const Packet& packet) {
  carry_out(server_.from_peer(relay, peer, packet, loop_.now()));
}

void Worker::from_icmp(RelayId relay, const PeerAddress& peer, const IcmpError& error,
                       core::MutableBytes room) {
  carry_out(server_.from_icmp(relay, peer, error, room, loop_.now()));
}

void Worker::carry_out(const Decision& decision) {
  if (const auto* up = std::get_if<ToPeer>(&decision)) {
    const core::SocketAddress& to = up->peer->address;
    const auto out = relay_sockets_.way_out(up->relay, to.family(), up->ip);
    if (out.fd < 0) return;
    if (to_peers_.full()) to_peers_.flush();
    to_peers_.add(
        {.fd = out.fd, .to = to, .payload = up->payload, .ip = up->ip, .standing = out.standing});
  } else if (const auto* down = std::get_if<ToClient>(&decision)) {
    if (down->from_other_listener) return send_from_other_listener(*down);
    ClientLink::of(down->client).send(*down);
  }
}

void Worker::send_from_other_listener(const ToClient& answer) {
  for (const auto& listener : udp_listeners_) {
    if (listener->address() == answer.five_tuple->server) return listener->send(answer);
  }
}

// What was gathered leaves before any socket is opened or closed: it refers to sockets by number.
void Worker::carry_out_commands() {
  while (auto command = server_.poll_command()) {
    to_peers_.flush();
    if (const auto* open = std::get_if<OpenRelay>(&*command)) {
      const bool opened = open->tcp ? peer_sockets_.listen(*open) : relay_sockets_.open(*open);
      carry_out(opened ? server_.relay_opened(open->relay, loop_.now())
                       : server_.relay_refused(open->relay, loop_.now()));
    } else if (const auto* close = std::get_if<CloseRelay>(&*command)) {
      relay_sockets_.close(close->relay);
      peer_sockets_.close(close->relay);
    } else if (const auto* connect = std::get_if<ConnectPeer>(&*command)) {
      if (!peer_sockets_.connect(*connect)) carry_out(server_.peer_unreachable(connect->number));
    } else if (const auto* abandoned = std::get_if<AbandonConnect>(&*command)) {
      peer_sockets_.abandon(abandoned->number);
      carry_out(server_.peer_unreachable(abandoned->number));
    } else if (const auto* start = std::get_if<StartTunnel>(&*command)) {
      start_tunnel(*start);
    } else if (const auto* over = std::get_if<EndTunnel>(&*command)) {
      end_tunnel(*over);
    } else if (const auto* again = std::get_if<HandleAgain>(&*command)) {
      carry_out(server_.from_client(again->five_tuple, again->client, again->bytes, loop_.now(),
                                    again->ip));
      flush_to_peers(); // what it decided lies in the command
    } else if (auto* question = std::get_if<MobilityQuestion>(&*command)) {
      ask(std::move(*question));
    } else if (const auto* wanted = std::get_if<AllocationWanted>(&*command)) {
      want(*wanted);
    } else if (const auto* begun = std::get_if<BeginOffload>(&*command)) {
      offload_.begin(*begun, loop_.now());
      if (!offload_deadline_.is_set()) {
        loop_.set_after(offload_deadline_, WorkerOffload::kCountEvery);
      }
    } else if (const auto* moved = std::get_if<MoveOffload>(&*command)) {
      offload_.move(*moved);
    } else if (const auto* ended = std::get_if<EndOffload>(&*command)) {
      offload_.end(*ended, loop_.now());
    }
  }
}

void Worker::flush() {
  to_peers_.flush();
  for (const auto& listener : udp_listeners_) listener->flush();
  for (const auto& listener : dtls_listeners_) listener->flush();
  buffers_.reset();
}

void Worker::end_of_wake_up() {
  flush();
  if (const auto next = server_.next_deadline()) {
    loop_.set(deadline_, *next);
  } else {
    loop_.cancel(deadline_);
  }
  if (!server_.limits_hit().empty() && !limit_log_deadline_.is_set()) hand_over_limits_hit();
  if (given_) count_left();
  if (draining_ && server_.is_idle() && tunnels_.empty() && left() == 0) end();
}

// At once when something was held back, then once an interval, as long as there is something to tell.
void Worker::hand_over_limits_hit() {
  const core::TimePoint now = loop_.now().steady;
  if (!service_.limit_log().add(server_.limits_hit().take(), now)) return;
  loop_.set_after(limit_log_deadline_, LimitLog::kInterval);
}

void Worker::on_deadline(int kind) {
  if (kind == kLimitLog) return hand_over_limits_hit();
  if (kind == kDeparture) return let_departing_go();
  if (kind == kOffloadCount) {
    count_offloaded();
    if (!offload_.empty()) loop_.set_after(offload_deadline_, WorkerOffload::kCountEvery);
    return;
  }
  server_.advance(loop_.now());
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

// ---- connections

void Worker::start_client(const StreamListener& listener, event::Fd fd,
                          const FiveTuple& five_tuple) {
  close_older(five_tuple);
  auto client = std::make_unique<StreamClient>(*this, five_tuple, listener.clients);
  if (!client->start(std::move(fd), listener.listener->tls)) return;
  ++unproven_;
  stream_clients_.emplace(five_tuple, std::move(client));
}

// Behind a proxy a client may come again from the same port while the proxy's connection for its
// former one still lingers: the newer one counts.
void Worker::close_older(const FiveTuple& five_tuple) {
  const auto older = stream_clients_.find(five_tuple);
  if (older != stream_clients_.end()) older->second->close();
}

void Worker::stream_client_closed(StreamClient& client) {
  const auto found = stream_clients_.find(client.five_tuple());
  if (found == stream_clients_.end() || found->second.get() != &client) return;
  if (client.unproven()) --unproven_;
  if (const Tunnel* tunnel = client.tunnel()) {
    tunnels_.erase(tunnel->id().serial);
    service_.peer_connections().end(tunnel->id());
  }
  server_.client_gone(client.five_tuple(), loop_.now());
  carry_out_commands();
  loop_.retire(std::move(found->second));
  stream_clients_.erase(found);
  loop_.run_at_end(end_task_);
}

void Worker::datagram_client_gone(const FiveTuple& five_tuple) {
  server_.client_gone(five_tuple, loop_.now());
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

// ---- the end

void Worker::drain_here() {
  // Another process serves who comes now; who is still here may allocate.
  if (given_) return;
  draining_ = true;
  server_.begin_drain();
  for (const auto& listener : stream_listeners_) listener->acceptor.reset();
  for (const auto& listener : dtls_listeners_) listener->stop_accepting();
  loop_.run_at_end(end_task_); // ends it when there is nothing to wait for
}

void Worker::end() {
  service_.limit_log().add(server_.limits_hit().take(), loop_.now().steady);
  draining_ = false;
  stream_listeners_.clear();
  for (const auto& listener : dtls_listeners_) listener->close_all();
  std::vector<StreamClient*> clients;
  clients.reserve(stream_clients_.size());
  for (const auto& [five_tuple, client] : stream_clients_) clients.push_back(client.get());
  for (StreamClient* client : clients) client->close();
  loop_.stop();
}

SendLosses Worker::losses() const {
  SendLosses losses = to_peers_.losses();
  for (const auto& listener : udp_listeners_) losses += listener->losses();
  for (const auto& listener : dtls_listeners_) losses += listener->losses();
  return losses;
}

} // namespace turnd
