#include "turnd/shell/peer_sockets.h"

#include <sys/socket.h>

#include <utility>

#include "libcore/event/socket.h"
#include "turnd/shell/worker.h"

namespace turnd {

// Retired, not destroyed, when it is closed: it may be in the middle of accepting.
class PeerSockets::Listener final : public event::Retirable {
 public:
  Listener(Worker& worker, RelayId id, event::Fd fd)
      : id_(id),
        acceptor_(
            worker.loop(), std::move(fd),
            [&worker, id](event::Fd peer, const core::SocketAddress& address) {
              worker.peer_arrived(id, {address}, std::move(peer));
            },
            [&worker](int error) { worker.accepting_paused(error); }) {}
  RelayId id() const { return id_; }

 private:
  RelayId id_;
  event::Acceptor acceptor_;
};

class PeerSockets::Connecting final : public event::Retirable, private event::ReadyHandler {
 public:
  Connecting(Worker& worker, ConnectionNumber number, event::Fd fd)
      : worker_(worker), number_(number), fd_(std::move(fd)) {}
  ~Connecting() override { release(); }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

  bool watch() {
    return worker_.loop().poller().add(fd_.get(), event::Interest::read_write, event::Trigger::edge,
                                       *this);
  }
  event::Fd release() {
    if (fd_) worker_.loop().poller().remove(fd_.get(), *this);
    return std::move(fd_);
  }

 private:
  void on_ready(event::Readiness readiness) override {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && !readiness.writable) return;
    worker_.peer_connecting_ended(number_, error == 0 ? release() : event::Fd());
  }

  Worker& worker_;
  ConnectionNumber number_;
  event::Fd fd_;
};

PeerSockets::PeerSockets(Worker& worker) : worker_(worker) {}

PeerSockets::~PeerSockets() = default;

// Shared, so that connections to peers can be made from the same address (RFC 6062 section 5.2).
bool PeerSockets::listen(const OpenRelay& command) {
  auto fd = event::listen_tcp(command.address, event::Sharing::shared);
  if (!fd) return false;
  const std::size_t index = command.relay.index;
  if (index >= listeners_.size()) listeners_.resize(index + 1);
  listeners_[index] = std::make_unique<Listener>(worker_, command.relay, std::move(*fd));
  return true;
}

void PeerSockets::close(RelayId id) {
  if (id.index >= listeners_.size() || !listeners_[id.index]) return;
  if (listeners_[id.index]->id() == id) worker_.loop().retire(std::move(listeners_[id.index]));
}

bool PeerSockets::connect(const ConnectPeer& command) {
  auto fd = event::connect_tcp(command.to, command.from);
  if (!fd) return false;
  auto connecting = std::make_unique<Connecting>(worker_, command.number, std::move(*fd));
  if (!connecting->watch()) return false;
  connecting_[command.number] = std::move(connecting);
  return true;
}

void PeerSockets::abandon(ConnectionNumber number) {
  const auto found = connecting_.find(number);
  if (found == connecting_.end()) return;
  found->second->release();
  worker_.loop().retire(std::move(found->second));
  connecting_.erase(found);
}

} // namespace turnd
