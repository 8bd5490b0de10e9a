#include "libcore/event/acceptor.h"

#include <sys/resource.h>

#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "libcore/event/socket.h"
#include "tests/unit/libcore/event/watched_loop.h"

namespace {

// A listener, and what its acceptor handed out.
struct Accepting {
  Accepting() {
    auto listener =
        event::listen_tcp(*core::SocketAddress::parse("127.0.0.1:0"), event::Sharing::exclusive);
    REQUIRE(listener.has_value());
    at = event::local_address(listener->get());
    acceptor.emplace(
        loop, std::move(*listener),
        [this](event::Fd fd, const core::SocketAddress& peer) {
          fds.push_back(std::move(fd));
          peers.push_back(peer);
        },
        [this](int error) { errors.push_back(error); });
  }
  event::Fd connect() const {
    auto fd = event::connect_tcp(at);
    REQUIRE(fd.has_value());
    return std::move(*fd);
  }

  WatchedLoop loop;
  core::SocketAddress at;
  std::vector<event::Fd> fds;
  std::vector<core::SocketAddress> peers;
  std::vector<int> errors;
  std::optional<event::Acceptor> acceptor;
};

TEST_CASE("every connection is handed out with its peer's address, more than one turn's too") {
  Accepting accepting;
  std::vector<event::Fd> clients;
  for (int i = 0; i < 2 * event::Acceptor::kAcceptsPerTurn + 3; ++i) {
    clients.push_back(accepting.connect());
  }
  accepting.loop.run_until([&] { return accepting.fds.size() == clients.size(); });
  for (std::size_t i = 0; i < clients.size(); ++i) {
    CHECK(accepting.peers[i] == event::local_address(clients[i].get()));
  }
  CHECK(accepting.errors.empty());
}

TEST_CASE("without a descriptor left it says so, waits, and goes on when there are some again") {
  Accepting accepting;
  const event::Fd client = accepting.connect();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  accepting.loop.run_until([&] { return !accepting.errors.empty(); });
  accepting.loop.settle(); // 50 wake-ups, in which the listener is readable all the time
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(accepting.errors.front() == EMFILE);
  CHECK(accepting.errors.size() < 25);
  CHECK(accepting.fds.empty());
  accepting.loop.run_until([&] { return accepting.fds.size() == 1; });
}

TEST_CASE("an acceptor that is gone hands out nothing, and its port is closed") {
  Accepting accepting;
  const event::Fd client = accepting.connect();
  accepting.acceptor.reset();
  accepting.loop.settle();
  CHECK(accepting.fds.empty());
  CHECK(event::listen_tcp(accepting.at, event::Sharing::exclusive).has_value());
}

} // namespace
