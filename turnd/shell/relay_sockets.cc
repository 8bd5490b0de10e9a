#include "turnd/shell/relay_sockets.h"

#include <algorithm>

#include "libcore/event/socket.h"
#include "turnd/shell/socket_options.h"
#include "turnd/shell/worker.h"

namespace turnd {

class RelaySockets::Socket final : private event::ReadyHandler {
 public:
  Socket(Worker& worker, RelayId id, event::Fd fd) : worker_(worker), id_(id), fd_(std::move(fd)) {}
  virtual ~Socket() { unwatch(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool watch() {
    return worker_.loop().poller().add(fd_.get(), event::Interest::read, event::Trigger::level,
                                       *this);
  }
  event::Fd release() {
    unwatch();
    return std::move(fd_);
  }
  RelayId id() const { return id_; }
  int fd() const { return fd_.get(); }

 private:
  void unwatch() {
    if (fd_) worker_.loop().poller().remove(fd_.get(), *this);
  }

  // Level-triggered: what is left comes with the next wake-up, and an error that the kernel
  // reports in between (a peer's ICMP) can't make us miss what lies behind it.
  void on_ready(event::Readiness readiness) override {
    if (readiness.ended) take_errors();
    DatagramBuffers& buffers = worker_.buffers_with_room();
    const auto batch = buffers.receive(fd_.get(), kDatagramsPerTurn);
    worker_.loop().pace().count(batch.size());
    if (batch.size() == kDatagramsPerTurn) worker_.loop().pace().left_some();
    for (const auto& datagram : batch) {
      worker_.from_peer(id_, {datagram.from}, Packet(datagram.payload, datagram.ip));
    }
  }

  void take_errors() {
    DatagramBuffers& buffers = worker_.buffers_with_room();
    for (const auto& each : buffers.receive_errors(fd_.get(), kDatagramsPerTurn)) {
      worker_.from_icmp(id_, {each.to}, each.error, each.room);
    }
  }

  Worker& worker_;
  RelayId id_;
  event::Fd fd_;
};

RelaySockets::RelaySockets(Worker& worker) : worker_(worker) {}

RelaySockets::~RelaySockets() = default;

bool RelaySockets::open(const OpenRelay& command) {
  event::Fd fd;
  if (command.reservation) {
    fd = worker_.service().reservations().adopt(*command.reservation);
  } else if (auto bound = event::bind_udp(command.address, event::Sharing::exclusive)) {
    fd = std::move(*bound);
    allow_fragments(fd.get(), command.address.family());
    want_ip_fields(fd.get(), command.address.family());
    want_errors(fd.get(), command.address.family());
  }
  return fd && adopt(command.relay, std::move(fd));
}

bool RelaySockets::adopt(RelayId id, event::Fd fd) {
  auto socket = std::make_unique<Socket>(worker_, id, std::move(fd));
  if (!socket->watch()) return false;
  const std::size_t index = id.index;
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  sockets_[index] = std::move(socket);
  return true;
}

event::Fd RelaySockets::release(RelayId id) {
  if (fd(id) < 0) return {};
  event::Fd fd = sockets_[id.index]->release();
  sockets_[id.index].reset();
  return fd;
}

void RelaySockets::close(RelayId id) {
  const int open = fd(id);
  if (open < 0) return;
  queue_drops_of_closed_ += turnd::queue_drops(open);
  sockets_[id.index].reset();
}

std::uint64_t RelaySockets::queue_drops(std::size_t first, std::size_t last) const {
  std::uint64_t drops = 0;
  for (std::size_t i = first; i < std::min(last, sockets_.size()); ++i) {
    if (sockets_[i]) drops += turnd::queue_drops(sockets_[i]->fd());
  }
  return drops;
}

int RelaySockets::fd(RelayId id) const {
  if (id.index >= sockets_.size() || !sockets_[id.index]) return -1;
  const Socket& socket = *sockets_[id.index];
  return socket.id() == id ? socket.fd() : -1;
}

} // namespace turnd
