// The do-nothing relay: what any TURN server must do with these sockets, and nothing else. Receives a batch, looks the sender
// up, takes 4 bytes off and sends; back: one relay socket a flow, looks that up, puts 4 bytes before and sends. No protocol, no
// limits, no clock. Prints its port.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/event/fd.h"
#include "libcore/stun/channel_data.h"
#include "tests/bench/load/turn_flow.h"

namespace bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kRoom = 2048;
constexpr int kBuffer = 4 << 20;

struct FloorFlow {
  event::Fd relay;
  core::SocketAddress client, peer;
};

event::Fd bound_socket() {
  event::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) give_up("socket");
  const core::SocketAddress any(core::IpAddress::v4(127, 0, 0, 1), 0);
  if (::bind(fd.get(), any.kernel(), any.kernel_size()) != 0) give_up("bind");
  return fd;
}

std::uint16_t port_of(int fd) {
  core::SocketAddress own;
  socklen_t size = core::SocketAddress::kCapacity;
  ::getsockname(fd, own.kernel_for_receive(), &size);
  return own.port();
}

// Buffers in the kernel's form, with room for the header before each.
class Batch {
 public:
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors_[i] = {.iov_base = bytes_[i].data() + stun::kChannelHeaderBytes,
                     .iov_len = kRoom - stun::kChannelHeaderBytes};
      headers_[i].msg_hdr.msg_iov = &vectors_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::size_t receive(int fd, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      vectors_[i] = {.iov_base = bytes_[i].data() + stun::kChannelHeaderBytes,
                     .iov_len = kRoom - stun::kChannelHeaderBytes};
      headers_[i].msg_hdr.msg_name = from_[i].kernel_for_receive();
      headers_[i].msg_hdr.msg_namelen = core::SocketAddress::kCapacity;
    }
    const int got =
        ::recvmmsg(fd, &headers_[first], static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  std::uint8_t* payload(std::size_t i) { return bytes_[i].data() + stun::kChannelHeaderBytes; }
  std::size_t size(std::size_t i) const { return headers_[i].msg_len; }
  const core::SocketAddress& from(std::size_t i) const { return from_[i]; }
  void frame_for(std::size_t i, core::SocketAddress& to) {
    stun::write_channel_header(bytes_[i].data(), kChannel, headers_[i].msg_len);
    vectors_[i] = {.iov_base = bytes_[i].data(),
                   .iov_len = headers_[i].msg_len + stun::kChannelHeaderBytes};
    headers_[i].msg_hdr.msg_name = to.kernel_for_receive();
    headers_[i].msg_hdr.msg_namelen = to.kernel_size();
  }
  void send(int fd, std::size_t count) {
    ::sendmmsg(fd, headers_.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  }

 private:
  std::array<std::array<std::uint8_t, kRoom>, kBatch> bytes_{};
  std::array<iovec, kBatch> vectors_{};
  std::array<mmsghdr, kBatch> headers_{};
  std::array<core::SocketAddress, kBatch> from_;
};

class FloorRelay {
 public:
  FloorRelay() : listener_(bound_socket()), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer);
    watch(listener_.get(), nullptr);
    std::printf("%u\n", port_of(listener_.get()));
    std::fflush(stdout);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      waiting_ = 0;
      for (int i = 0; i < count; ++i) {
        auto* flow = static_cast<FloorFlow*>(events[static_cast<std::size_t>(i)].data.ptr);
        flow == nullptr ? from_clients() : from_peer(*flow);
      }
      if (waiting_ > 0) to_clients_.send(listener_.get(), waiting_);
    }
  }

 private:
  void watch(int fd, FloorFlow* flow) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = flow}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void from_clients() {
    const std::size_t count = up_.receive(listener_.get(), 0, kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      const auto found = flows_.find(up_.from(i));
      if (found == flows_.end()) {
        open(up_.from(i), up_.payload(i), up_.size(i));
        continue;
      }
      const FloorFlow& flow = *found->second;
      ::sendto(flow.relay.get(), up_.payload(i) + stun::kChannelHeaderBytes,
               up_.size(i) - stun::kChannelHeaderBytes, MSG_DONTWAIT, flow.peer.kernel(),
               flow.peer.kernel_size());
    }
  }

  void from_peer(FloorFlow& flow) {
    if (waiting_ + 16 > kBatch) {
      to_clients_.send(listener_.get(), waiting_);
      waiting_ = 0;
    }
    const std::size_t count = to_clients_.receive(flow.relay.get(), waiting_, 16);
    for (std::size_t i = waiting_; i < waiting_ + count; ++i) to_clients_.frame_for(i, flow.client);
    waiting_ += count;
  }

  void open(const core::SocketAddress& client, const std::uint8_t* question, std::size_t size) {
    if (size != 7 || question[0] != kAskFloor) return;
    const core::SocketAddress peer(core::IpAddress::from_v4(core::Bytes(question + 1, 4)),
                                   core::load16(question + 5));
    FloorFlow& flow =
        all_.emplace_back(FloorFlow{.relay = bound_socket(), .client = client, .peer = peer});
    flows_.emplace(client, &flow);
    watch(flow.relay.get(), &flow);
    std::array<std::uint8_t, 2> answer{};
    core::store16(answer.data(), port_of(flow.relay.get()));
    ::sendto(listener_.get(), answer.data(), answer.size(), 0, client.kernel(),
             client.kernel_size());
  }

  event::Fd listener_, epoll_;
  Batch up_, to_clients_;
  std::size_t waiting_ = 0;
  std::deque<FloorFlow> all_;
  std::unordered_map<core::SocketAddress, FloorFlow*> flows_;
};

} // namespace
} // namespace bench

int main() {
  bench::raise_descriptor_limit();
  static bench::FloorRelay relay;
  relay.run();
}
