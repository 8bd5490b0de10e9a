// A worker's part in RFC 6062: connections with peers come and go at the worker that has the
// allocation, tunnels are where their client's data connection is.
#include <utility>

#include "turnd/shell/worker.h"

namespace turnd {

void Worker::peer_arrived(RelayId relay, const PeerAddress& peer, event::Fd fd) {
  peer_connections_.offer(std::move(fd));
  carry_out(server_.peer_arrived(relay, peer, loop_.now()));
  peer_connections_.close_offered(); // if it was not taken
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

void Worker::peer_connecting_ended(ConnectionNumber number, event::Fd fd) {
  peer_sockets_.abandon(number); // retires what is calling
  if (fd) {
    peer_connections_.offer(std::move(fd));
    carry_out(server_.peer_connected(number, loop_.now()));
    peer_connections_.close_offered();
  } else {
    carry_out(server_.peer_unreachable(number));
  }
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

// The client's connection may have been closed by its own answer, and the peer's by its allocation's
// end at another worker.
void Worker::start_tunnel(const StartTunnel& command) {
  event::Fd peer = service_.peer_connections().adopt(command.connection);
  const auto client = stream_clients_.find(command.five_tuple);
  if (client == stream_clients_.end()) return service_.peer_connections().end(command.connection);
  StreamClient& found = *client->second;
  if (!peer) return found.close();
  if (found.unproven()) found.prove();
  tunnels_.emplace(command.connection.serial, &found);
  if (!found.start_tunnel(std::move(peer), command.connection, command.bandwidth)) found.close();
}

void Worker::end_tunnel(const EndTunnel& command) {
  service_.fellows().post(command.worker,
                          [id = command.connection](Worker& there) { there.end_tunnel_here(id); });
}

void Worker::end_tunnel_here(const ConnectionId& id) {
  const auto found = tunnels_.find(id.serial);
  if (found != tunnels_.end()) found->second->close();
  loop_.run_at_end(end_task_);
}

} // namespace turnd
