#include "turnd/shell/datagram_buffers.h"

#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>
#include <string_view>

#include "libcore/event/socket.h"
#include "turnd/shell/socket_options.h"

using turnd::DatagramBuffers;

namespace {

core::SocketAddress loopback() { return {core::IpAddress::v4(127, 0, 0, 1), 0}; }

struct UdpEnd {
  event::Fd fd = *event::bind_udp(loopback(), event::Sharing::exclusive);
  core::SocketAddress address = event::local_address(fd.get());

  void send(std::string_view text, const core::SocketAddress& to) const {
    REQUIRE(::sendto(fd.get(), text.data(), text.size(), 0, to.kernel(), to.kernel_size()) ==
            static_cast<ssize_t>(text.size()));
  }
};

core::SocketAddress closed_port() { return UdpEnd().address; }

} // namespace

TEST_CASE("an ICMP error that a socket has to report does not hide what has come since") {
  const UdpEnd ours;
  const UdpEnd theirs;
  turnd::want_errors(ours.fd.get(), core::Family::ipv4);
  ours.send("to nobody", closed_port());
  theirs.send("a", ours.address);
  theirs.send("b", ours.address);
  DatagramBuffers buffers;
  CHECK(buffers.receive(ours.fd.get(), 16).size() == 2);
  CHECK(buffers.receive_errors(ours.fd.get(), 16).size() == 1);
}

TEST_CASE("places are used again with all their room after reset()") {
  const UdpEnd ours;
  const UdpEnd theirs;
  turnd::want_ip_fields(ours.fd.get(), core::Family::ipv4);
  turnd::set_ip_fields(theirs.fd.get(), core::Family::ipv4,
                       {.traffic_class = 0xb8, .hop_limit = 9});
  DatagramBuffers buffers;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < DatagramBuffers::kCount; ++i) theirs.send("hello", ours.address);
    const auto received = buffers.receive(ours.fd.get(), DatagramBuffers::kCount);
    REQUIRE(received.size() == DatagramBuffers::kCount);
    for (const auto& each : received) {
      CHECK(each.from == theirs.address);
      CHECK(each.ip == turnd::IpFields{.traffic_class = 0xb8, .hop_limit = 9});
    }
    buffers.reset();
  }
}
