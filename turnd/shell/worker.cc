#include "turnd/shell/worker.h"

#include <cstring>
#include <utility>

#include "libcore/event/socket.h"

namespace turnd {

Worker::Worker(Service& service, ServerConfig config, std::vector<event::Fd> sockets)
    : service_(service),
      server_(std::move(config), service.authenticator(), service.quota(), reservations_, random_,
              loop_.now().steady) {
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i]) continue;
    if (service.settings().listeners[i].transport == Settings::Transport::udp) {
      udp_listeners_.push_back(std::make_unique<UdpListener>(*this, std::move(sockets[i])));
    } else {
      acceptors_.push_back(std::make_unique<event::Acceptor>(
          loop_, std::move(sockets[i]),
          [this, context = service.tls(i)](event::Fd fd, const core::SocketAddress& peer) {
            accepted(std::move(fd), peer, context);
          },
          [this](int error) { accepting_paused(error); }));
    }
  }
}

Worker::~Worker() = default;

void Worker::run() { loop_.run(); }

void Worker::drain() {
  loop_.post([this] { drain_here(); });
}

void Worker::stop() {
  loop_.post([this] { end(); });
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

void Worker::carry_out(const Decision& decision) {
  if (const auto* up = std::get_if<ToPeer>(&decision)) {
    const int fd = relay_sockets_.fd(up->relay);
    if (fd < 0) return;
    if (to_peers_.full()) to_peers_.flush();
    to_peers_.add({.fd = fd, .to = up->peer->address, .payload = up->payload, .ip = up->ip});
  } else if (const auto* down = std::get_if<ToClient>(&decision)) {
    ClientLink::of(down->client).send(*down);
  }
}

// What was gathered leaves before any socket is opened or closed: it refers to sockets by number.
void Worker::carry_out_commands() {
  while (const auto command = server_.poll_command()) {
    to_peers_.flush();
    if (const auto* open = std::get_if<OpenRelay>(&*command)) {
      const bool opened = relay_sockets_.open(*open);
      carry_out(opened ? server_.relay_opened(open->relay, loop_.now())
                       : server_.relay_refused(open->relay, loop_.now()));
    } else {
      relay_sockets_.close(std::get<CloseRelay>(*command).relay);
    }
  }
}

void Worker::flush() {
  to_peers_.flush();
  for (const auto& listener : udp_listeners_) listener->flush();
  buffers_.reset();
}

void Worker::end_of_wake_up() {
  flush();
  if (const auto next = server_.next_deadline()) {
    loop_.set(deadline_, *next);
  } else {
    loop_.cancel(deadline_);
  }
  if (draining_ && server_.allocation_count() == 0) end();
}

void Worker::on_deadline(int) {
  server_.advance(loop_.now());
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

// ---- connections

void Worker::accepting_paused(int error) {
  log().warning("accept.failed", "no connection can be accepted for a moment",
                logging::field("reason", std::string_view(std::strerror(error))));
}

void Worker::accepted(event::Fd fd, const core::SocketAddress& peer,
                      const std::shared_ptr<const tls::ServerContext>& context) {
  if (unproven_ >= kMaxUnprovenClients) {
    log().warning("connection.refused", "too many connections without an allocation",
                  logging::field("client", peer));
    return; // closes it
  }
  const FiveTuple five_tuple{.transport = context ? Transport::tls : Transport::tcp,
                             .client = peer,
                             .server = event::local_address(fd.get())};
  auto client = std::make_unique<StreamClient>(*this, five_tuple);
  StreamClient* raw = client.get();
  if (!client->start(std::move(fd), context)) return;
  ++unproven_;
  stream_clients_.emplace(raw, std::move(client));
}

void Worker::stream_client_closed(StreamClient& client) {
  const auto found = stream_clients_.find(&client);
  if (found == stream_clients_.end()) return;
  if (client.unproven()) --unproven_;
  server_.client_gone(client.five_tuple(), loop_.now());
  carry_out_commands();
  loop_.retire(std::move(found->second));
  stream_clients_.erase(found);
  loop_.run_at_end(end_task_);
}

// ---- the end

void Worker::drain_here() {
  draining_ = true;
  server_.begin_drain();
  acceptors_.clear();
  loop_.run_at_end(end_task_); // ends it when there is nothing to wait for
}

void Worker::end() {
  draining_ = false;
  acceptors_.clear();
  std::vector<StreamClient*> clients;
  clients.reserve(stream_clients_.size());
  for (const auto& [client, owned] : stream_clients_) clients.push_back(client);
  for (StreamClient* client : clients) client->close();
  loop_.stop();
}

std::uint64_t Worker::lost() const {
  std::uint64_t lost = to_peers_.lost();
  for (const auto& listener : udp_listeners_) lost += listener->lost();
  return lost;
}

} // namespace turnd
