#include "turnd/shell/relay_sockets.h"

#include "libcore/event/socket.h"
#include "turnd/shell/socket_options.h"
#include "turnd/shell/worker.h"

namespace turnd {

class RelaySockets::Socket final : private event::ReadyHandler {
 public:
  Socket(Worker& worker, RelayId id, event::Fd fd) : worker_(worker), id_(id), fd_(std::move(fd)) {}
  ~Socket() { worker_.loop().poller().remove(fd_.get(), *this); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool watch() {
    return worker_.loop().poller().add(fd_.get(), event::Interest::read, event::Trigger::level,
                                       *this);
  }
  RelayId id() const { return id_; }
  int fd() const { return fd_.get(); }

 private:
  // Level-triggered: what is left comes with the next wake-up, and an error that the kernel
  // reports in between (a peer's ICMP) can't make us miss what lies behind it.
  void on_ready(event::Readiness) override {
    DatagramBuffers& buffers = worker_.buffers_with_room();
    for (const auto& datagram : buffers.receive(fd_.get(), kDatagramsPerTurn, false)) {
      worker_.from_peer(id_, {datagram.from}, Packet(datagram.payload));
    }
  }

  Worker& worker_;
  RelayId id_;
  event::Fd fd_;
};

RelaySockets::RelaySockets(Worker& worker) : worker_(worker) {}

RelaySockets::~RelaySockets() = default;

bool RelaySockets::open(const OpenRelay& command) {
  auto fd = event::bind_udp(command.address, event::Sharing::exclusive);
  if (!fd) return false;
  allow_fragments(fd->get(), command.address.family());
  auto socket = std::make_unique<Socket>(worker_, command.relay, std::move(*fd));
  if (!socket->watch()) return false;
  const std::size_t index = command.relay.index;
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  sockets_[index] = std::move(socket);
  return true;
}

void RelaySockets::close(RelayId id) {
  if (fd(id) >= 0) sockets_[id.index].reset();
}

int RelaySockets::fd(RelayId id) const {
  if (id.index >= sockets_.size() || !sockets_[id.index]) return -1;
  const Socket& socket = *sockets_[id.index];
  return socket.id() == id ? socket.fd() : -1;
}

} // namespace turnd
