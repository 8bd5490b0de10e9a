#include "libcore/event/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cerrno>

namespace {

using core::SocketAddress;
using event::Sharing;

SocketAddress address(std::string_view text) {
  const auto parsed = SocketAddress::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

void wait_readable(int fd) {
  pollfd waits{.fd = fd, .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&waits, 1, -1) == 1);
}

TEST_CASE("a listener and a connection to it know both their addresses") {
  const std::string any_port = GENERATE("127.0.0.1:0", "[::1]:0");
  const auto listener = event::listen_tcp(address(any_port), Sharing::exclusive);
  REQUIRE(listener.has_value());
  const auto at = event::local_address(listener->get());
  CHECK(at.port() != 0);
  CHECK(at.with_port(0) == address(any_port));

  const auto client = event::connect_tcp(at);
  REQUIRE(client.has_value());
  wait_readable(listener->get());
  const auto accepted = event::accept_tcp(listener->get());
  REQUIRE(accepted.fd);
  CHECK(accepted.error == 0);
  CHECK(accepted.peer == event::local_address(client->get()));
  CHECK(accepted.peer == event::peer_address(accepted.fd.get()));
  CHECK(event::peer_address(client->get()) == at);
}

TEST_CASE("sockets neither block nor survive exec, and connections send without delay") {
  const auto listener = event::listen_tcp(address("127.0.0.1:0"), Sharing::exclusive);
  REQUIRE(listener.has_value());
  const auto client = event::connect_tcp(event::local_address(listener->get()));
  REQUIRE(client.has_value());
  wait_readable(listener->get());
  const auto accepted = event::accept_tcp(listener->get());
  const auto udp = event::bind_udp(address("127.0.0.1:0"), Sharing::exclusive);
  REQUIRE(udp.has_value());
  for (const int fd : {listener->get(), client->get(), accepted.fd.get(), udp->get()}) {
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(option(client->get(), IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE("accepting when nobody waits gives nothing, and no error") {
  const auto listener = event::listen_tcp(address("127.0.0.1:0"), Sharing::exclusive);
  REQUIRE(listener.has_value());
  const auto accepted = event::accept_tcp(listener->get());
  CHECK_FALSE(accepted.fd);
  CHECK(accepted.error == 0);
}

TEST_CASE("accepting without a descriptor left says so: the connection still waits") {
  const auto listener = event::listen_tcp(address("127.0.0.1:0"), Sharing::exclusive);
  REQUIRE(listener.has_value());
  const auto client = event::connect_tcp(event::local_address(listener->get()));
  REQUIRE(client.has_value());
  wait_readable(listener->get());

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 3; // lower than any descriptor that accept() could give
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto refused = event::accept_tcp(listener->get());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK_FALSE(refused.fd);
  CHECK(refused.error == EMFILE);

  CHECK(event::accept_tcp(listener->get()).fd);
}

TEST_CASE("an address is bound once, unless all who bind it share it (SO_REUSEPORT)") {
  const bool tcp = GENERATE(true, false);
  const auto bind = [&](const SocketAddress& at, Sharing sharing) {
    return tcp ? event::listen_tcp(at, sharing) : event::bind_udp(at, sharing);
  };
  const auto first = bind(address("127.0.0.1:0"), Sharing::shared);
  REQUIRE(first.has_value());
  const auto at = event::local_address(first->get());
  CHECK(bind(at, Sharing::shared).has_value());
  const auto refused = bind(at, Sharing::exclusive);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text == std::string("can't bind ") + (tcp ? "tcp " : "udp ") +
                                    at.to_string() + ": Address already in use");
}

TEST_CASE("an IPv6 listener is for IPv6 alone: IPv4 can have the same port") {
  const auto six = event::listen_tcp(address("[::]:0"), Sharing::exclusive);
  REQUIRE(six.has_value());
  CHECK(option(six->get(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
  // The port may be someone else's on IPv4; that it is not this socket's is what the option says.
}

TEST_CASE("an address that is not this machine's can't be bound, and the reason says which") {
  const auto refused = event::listen_tcp(address("192.0.2.1:0"), Sharing::exclusive);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text == "can't bind tcp 192.0.2.1:0: Cannot assign requested address");
}

TEST_CASE("that there is no descriptor for a connection is not the other side's fault") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto refused = event::connect_tcp(address("127.0.0.1:9"));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().shortage);
  CHECK(refused.error().text == "can't open a socket for 127.0.0.1:9: Too many open files");
}

TEST_CASE("connecting to a port where nobody listens fails, then or later") {
  SocketAddress nobody;
  {
    const auto listener = event::listen_tcp(address("127.0.0.1:0"), Sharing::exclusive);
    REQUIRE(listener.has_value());
    nobody = event::local_address(listener->get());
  }
  const auto connection = event::connect_tcp(nobody);
  if (!connection) {
    CHECK_FALSE(connection.error().shortage);
    CHECK(connection.error().text ==
          "can't connect to " + nobody.to_string() + ": Connection refused");
  } else {
    pollfd waits{.fd = connection->get(), .events = POLLOUT, .revents = 0};
    REQUIRE(::poll(&waits, 1, -1) == 1);
    CHECK(option(connection->get(), SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
  }
}

} // namespace
