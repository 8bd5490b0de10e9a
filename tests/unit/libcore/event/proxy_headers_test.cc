#include "libcore/event/proxy_headers.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <optional>
#include <string>
#include <vector>

#include "libcore/event/acceptor.h"
#include "libcore/event/socket.h"
#include "tests/unit/libcore/event/watched_loop.h"

namespace {

using proxy_protocol::Endpoints;

const Endpoints kEndpoints{.source = *core::SocketAddress::parse("192.0.2.1:56324"),
                           .destination = *core::SocketAddress::parse("198.51.100.130:443")};

// A listener whose connections all come from a proxy.
struct Proxied {
  Proxied() {
    auto listener =
        event::listen_tcp(*core::SocketAddress::parse("127.0.0.1:0"), event::Sharing::exclusive);
    REQUIRE(listener.has_value());
    at = event::local_address(listener->get());
    acceptor.emplace(
        loop, std::move(*listener),
        [this](event::Fd fd, const core::SocketAddress& peer) {
          headers.expect(std::move(fd), peer);
          ++accepted;
        },
        [](int) { FAIL(); });
  }
  event::Fd connect() {
    auto fd = event::connect_tcp(at);
    REQUIRE(fd.has_value());
    return std::move(*fd);
  }
  // What is sent to a connection that waits here already.
  event::Fd waiting() {
    event::Fd fd = connect();
    loop.run_until([this, before = accepted] { return accepted > before; });
    return fd;
  }

  WatchedLoop loop;
  core::SocketAddress at;
  int accepted = 0;
  std::vector<event::Fd> fds;
  std::vector<std::optional<Endpoints>> arrived;
  std::vector<std::string> failed;
  event::ProxyHeaders headers{
      loop,
      [this](event::Fd fd, const core::SocketAddress&, const std::optional<Endpoints>& endpoints) {
        fds.push_back(std::move(fd));
        arrived.push_back(endpoints);
      },
      [this](const core::SocketAddress&, std::string_view why) { failed.emplace_back(why); }};
  std::optional<event::Acceptor> acceptor;
};

void send(const event::Fd& fd, core::Bytes bytes) {
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

std::string received(const event::Fd& fd) {
  std::array<char, 256> room{};
  const ssize_t count = ::recv(fd.get(), room.data(), room.size(), 0);
  return {room.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
}

TEST_CASE("a connection is handed on with its header taken off, and not a byte more") {
  Proxied proxied;
  const event::Fd client = proxied.connect();
  const auto header = encode_v2(kEndpoints);
  std::vector<std::uint8_t> sent(header.bytes().begin(), header.bytes().end());
  for (const char c : std::string("hello")) sent.push_back(static_cast<std::uint8_t>(c));
  send(client, sent);
  proxied.loop.run_until([&] { return proxied.arrived.size() == 1; });
  CHECK(proxied.arrived[0] == kEndpoints);
  CHECK(received(proxied.fds[0]) == "hello");
  CHECK(proxied.headers.waiting() == 0);
  CHECK(proxied.failed.empty());
}

TEST_CASE("a header that comes byte by byte is put together") {
  Proxied proxied;
  const event::Fd client = proxied.waiting();
  const auto header = encode_v1(kEndpoints);
  for (const std::uint8_t byte : header.bytes()) {
    CHECK(proxied.arrived.empty());
    send(client, core::Bytes(&byte, 1));
    proxied.loop.settle();
  }
  proxied.loop.run_until([&] { return proxied.arrived.size() == 1; });
  CHECK(proxied.arrived[0] == kEndpoints);
}

TEST_CASE("a header without endpoints leaves the connection's own addresses to count") {
  Proxied proxied;
  const event::Fd client = proxied.waiting();
  send(client, proxy_protocol::encode_v2(std::nullopt).bytes());
  proxied.loop.run_until([&] { return proxied.arrived.size() == 1; });
  CHECK_FALSE(proxied.arrived[0].has_value());
}

TEST_CASE("a proxy that sends something else is closed, and it is said why") {
  Proxied proxied;
  const event::Fd client = proxied.waiting();
  send(client, core::bytes_of("GET / HTTP/1.1\r\n"));
  proxied.loop.run_until([&] { return proxied.failed.size() == 1; });
  CHECK(proxied.failed[0] == "no PROXY header");
  CHECK(proxied.headers.waiting() == 0);
  CHECK(proxied.arrived.empty());
}

TEST_CASE("a connection that ends within its header is closed") {
  Proxied proxied;
  const std::string ended = "the connection ended before the PROXY header did";
  {
    const event::Fd client = proxied.waiting();
    send(client, core::bytes_of("PROXY TCP4"));
    proxied.loop.settle();
    CHECK(proxied.failed.empty());
  }
  proxied.loop.run_until([&] { return proxied.failed.size() == 1; });
  CHECK(proxied.failed[0] == ended);
  {
    const event::Fd client = proxied.connect();
    send(client, core::bytes_of("PROXY TCP4"));
    ::shutdown(client.get(), SHUT_WR);
    proxied.loop.run_until([&] { return proxied.failed.size() == 2; });
  }
  CHECK(proxied.failed[1] == ended);
}

TEST_CASE("whoever holds the headers may go while some are still to come") {
  WatchedLoop loop;
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) == 0);
  const event::Fd other(pair[1]);
  {
    event::ProxyHeaders headers(loop, [](auto&&...) { FAIL(); }, [](auto&&...) { FAIL(); });
    headers.expect(event::Fd(pair[0]), {});
    CHECK(headers.waiting() == 1);
  }
  char byte = 0;
  CHECK(::recv(other.get(), &byte, 1, 0) == 0); // closed
  loop.settle();
}

} // namespace
