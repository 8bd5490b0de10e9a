#include "turnd/shell/relay_sockets.h"

#include <algorithm>

#include "libcore/event/socket.h"
#include "turnd/shell/socket_options.h"
#include "turnd/shell/standing_fields.h"
#include "turnd/shell/worker.h"

namespace turnd {

class RelaySockets::Socket final : private event::ReadyHandler {
 public:
  Socket(Worker& worker, RelayId id, event::Fd fd, const StandingFields& standing)
      : worker_(worker), id_(id), fd_(std::move(fd)), standing_(standing) {}
  virtual ~Socket() { unwatch(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool watch() {
    return worker_.loop().poller().add(fd_.get(), event::Interest::read, event::Trigger::edge,
                                       *this);
  }
  event::Fd release() {
    unwatch();
    return std::move(fd_);
  }
  RelayId id() const { return id_; }
  int fd() const { return fd_.get(); }
  WayOut way_out(core::Family family, const IpFields& ip) {
    if (standing_.should_become(ip)) {
      worker_.flush_to_peers(); // what waits counts on the former ones
      set_ip_fields(fd_.get(), family, ip);
      standing_.become(ip);
    }
    return {.fd = fd_.get(), .standing = standing_.get()};
  }

 private:
  void unwatch() {
    if (fd_) worker_.loop().poller().remove(fd_.get(), *this);
  }

  // Edge-triggered, so that nobody looks at each socket a second time to find it empty.
  void on_ready(event::Readiness readiness) override {
    if (readiness.ended) take_errors();
    DatagramBuffers& buffers = worker_.buffers_with_room();
    const std::size_t room = std::min(kDatagramsPerTurn, buffers.free());
    const auto batch = buffers.receive(fd_.get(), room);
    worker_.loop().pace().count(batch.size());
    for (const auto& datagram : batch) {
      worker_.from_peer(id_, {datagram.from}, Packet(datagram.payload, datagram.ip));
    }
    if (batch.size() < room) return;
    worker_.loop().pace().left_some();
    worker_.loop().poller().again(fd_.get(), event::Interest::read, *this);
  }

  void take_errors() {
    DatagramBuffers& buffers = worker_.buffers_with_room();
    const std::size_t room = std::min(kDatagramsPerTurn, buffers.free());
    const auto errors = buffers.receive_errors(fd_.get(), room);
    for (const auto& each : errors) worker_.from_icmp(id_, {each.to}, each.error, each.room);
    if (errors.size() == room)
      worker_.loop().poller().again(fd_.get(), event::Interest::read, *this);
  }

  Worker& worker_;
  RelayId id_;
  event::Fd fd_;
  StandingFields standing_;
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
  return fd && watch(command.relay, std::move(fd), StandingFields());
}

bool RelaySockets::adopt(RelayId id, event::Fd fd) {
  const StandingFields standing(ip_fields(fd.get(), event::local_address(fd.get()).family()));
  return watch(id, std::move(fd), standing);
}

bool RelaySockets::watch(RelayId id, event::Fd fd, const StandingFields& standing) {
  auto socket = std::make_unique<Socket>(worker_, id, std::move(fd), standing);
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
  const Socket* socket = find(id);
  return socket == nullptr ? -1 : socket->fd();
}

RelaySockets::WayOut RelaySockets::way_out(RelayId id, core::Family family, const IpFields& ip) {
  Socket* socket = find(id);
  return socket == nullptr ? WayOut{} : socket->way_out(family, ip);
}

RelaySockets::Socket* RelaySockets::find(RelayId id) const {
  if (id.index >= sockets_.size()) return nullptr;
  Socket* socket = sockets_[id.index].get();
  return socket != nullptr && socket->id() == id ? socket : nullptr;
}

} // namespace turnd
