#include "turnd/shell/datagram_batch.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "libcore/event/socket.h"
#include "turnd/shell/datagram_buffers.h"
#include "turnd/shell/socket_options.h"

using turnd::DatagramBatch;

namespace {

core::SocketAddress loopback() { return {core::IpAddress::v4(127, 0, 0, 1), 0}; }

struct UdpEnd {
  event::Fd fd = *event::bind_udp(loopback(), event::Sharing::exclusive);
  core::SocketAddress address = event::local_address(fd.get());

  // All that waits in the socket.
  std::vector<std::string> received() const {
    std::vector<std::string> all;
    std::string room(65'536, '\0');
    while (true) {
      const auto size = ::recv(fd.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (size < 0) return all;
      all.push_back(room.substr(0, static_cast<std::size_t>(size)));
    }
  }
};

// Different ones, so that the order shows.
std::vector<std::string> payloads(std::size_t count, std::size_t size) {
  std::vector<std::string> all;
  all.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(size, static_cast<char>('a' + static_cast<char>(i % 26)));
  }
  return all;
}

void add_all(DatagramBatch& batch, const UdpEnd& from, const UdpEnd& to,
             const std::vector<std::string>& payloads, turnd::IpFields ip = {}) {
  for (const auto& payload : payloads) {
    batch.add(
        {.fd = from.fd.get(), .to = to.address, .payload = core::bytes_of(payload), .ip = ip});
  }
}

} // namespace

TEST_CASE("datagrams of one size for one address arrive one by one, in their order") {
  const UdpEnd from;
  const UdpEnd to;
  DatagramBatch batch;
  auto sent = payloads(20, 160);
  sent.emplace_back(50, 'z'); // may end what leaves together
  sent.emplace_back(160, 'y');
  add_all(batch, from, to, sent, {.traffic_class = 0xb8, .hop_limit = 7});
  batch.flush();
  CHECK(to.received() == sent);
  CHECK(batch.empty());
  CHECK(batch.losses().all() == 0);
}

TEST_CASE("a datagram leaves with its own fields, whichever its socket has by itself") {
  const UdpEnd from;
  const UdpEnd to;
  turnd::want_ip_fields(to.fd.get(), core::Family::ipv4);
  const turnd::IpFields standing{.traffic_class = 0xb8, .hop_limit = 33};
  turnd::set_ip_fields(from.fd.get(), core::Family::ipv4, standing);
  CHECK(turnd::ip_fields(from.fd.get(), core::Family::ipv4) == standing);
  const auto leaves_as = [&](const turnd::IpFields& ip) {
    const std::string payload = "hello";
    DatagramBatch batch;
    const turnd::Outgoing datagram{.fd = from.fd.get(),
                                   .to = to.address,
                                   .payload = core::bytes_of(payload),
                                   .ip = ip,
                                   .standing = standing};
    batch.add(datagram);
    batch.flush();
    CHECK(turnd::send_datagram(datagram) == 0);
    turnd::DatagramBuffers buffers;
    const auto received = buffers.receive(to.fd.get(), 16);
    REQUIRE(received.size() == 2);
    CHECK(received[0].ip == received[1].ip);
    return received[0].ip;
  };
  CHECK(leaves_as(standing) == standing);
  CHECK(leaves_as({.hop_limit = 33}) == turnd::IpFields{.hop_limit = 33});
  CHECK(leaves_as({.traffic_class = 0xb8, .hop_limit = 7}) ==
        turnd::IpFields{.traffic_class = 0xb8, .hop_limit = 7});
  const auto usual = turnd::default_hop_limit(core::Family::ipv4);
  CHECK(leaves_as({}) == turnd::IpFields{.hop_limit = usual});
}

TEST_CASE("an empty datagram among others is sent as one") {
  const UdpEnd from;
  const UdpEnd to;
  DatagramBatch batch;
  auto sent = payloads(4, 160);
  sent.emplace_back();
  sent.emplace_back();
  const auto more = payloads(4, 160);
  sent.insert(sent.end(), more.begin(), more.end());
  add_all(batch, from, to, sent);
  batch.flush();
  CHECK(to.received() == sent);
}

TEST_CASE("datagrams for several addresses through one socket reach each its own") {
  const UdpEnd from;
  const UdpEnd first;
  const UdpEnd second;
  DatagramBatch batch;
  const auto sent = payloads(10, 160);
  add_all(batch, from, first, sent);
  add_all(batch, from, second, sent);
  add_all(batch, second, first, sent);
  batch.flush();
  auto twice = sent;
  twice.insert(twice.end(), sent.begin(), sent.end());
  CHECK(first.received() == twice);
  CHECK(second.received() == sent);
}

TEST_CASE("a full batch of the longest datagrams for one address arrives") {
  const UdpEnd from;
  const UdpEnd to;
  const int room = 16 << 20;
  ::setsockopt(to.fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  DatagramBatch batch;
  const auto sent = payloads(DatagramBatch::kCount, 9000);
  add_all(batch, from, to, sent);
  CHECK(batch.full());
  batch.flush();
  const auto arrived = to.received();
  CHECK(batch.losses().all() + arrived.size() == sent.size());
  CHECK(std::ranges::all_of(arrived, [](const auto& each) { return each.size() == 9000; }));
}

TEST_CASE("what the kernel does not send together leaves one by one, from then on as well") {
  const UdpEnd from;
  const UdpEnd to;
  const int one = 1; // without checksums it takes nothing apart
  REQUIRE(::setsockopt(from.fd.get(), SOL_SOCKET, SO_NO_CHECK, &one, sizeof one) == 0);
  DatagramBatch batch;
  const auto sent = payloads(10, 160);
  for (int i = 0; i < 2; ++i) {
    add_all(batch, from, to, sent, {.hop_limit = 9});
    batch.flush();
    CHECK(to.received() == sent);
  }
  CHECK(batch.losses().all() == 0);
}
