#include "libcore/event/steady_watch.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <optional>

#include "libcore/event/fd.h"
#include "tests/unit/libcore/event/watched_loop.h"

namespace {

struct Reader final : event::ReadyHandler {
  explicit Reader(int its_fd) : fd(its_fd) {}
  ~Reader() = default;
  void on_ready(event::Readiness) override {
    std::array<char, 16> room{};
    if (::read(fd, room.data(), room.size()) > 0) ++times;
  }
  int fd;
  int times = 0;
};

struct Pair {
  Pair() {
    std::array<int, 2> both{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
    near = event::Fd(both[0]);
    far = event::Fd(both[1]);
  }
  void send() const { REQUIRE(::send(far.get(), "x", 1, 0) == 1); }
  event::Fd near;
  event::Fd far;
};

} // namespace

TEST_CASE("what can be read is told as long as the watch is there") {
  const Pair pair;
  WatchedLoop loop;
  Reader reader(pair.near.get());
  std::optional<event::SteadyWatch> watch;
  watch.emplace(loop, pair.near.get(), reader);
  pair.send();
  loop.run_until([&] { return reader.times == 1; });
  watch.reset();
  Reader other(pair.near.get());
  const event::SteadyWatch next(loop, pair.near.get(), other); // the descriptor is free again
  pair.send();
  loop.run_until([&] { return other.times == 1; });
  CHECK(reader.times == 1);
}

TEST_CASE("a descriptor that can't be watched now is watched later, and then nothing was lost") {
  const Pair pair;
  WatchedLoop loop;
  Reader in_the_way(-1); // EEXIST stands for a lack of memory
  REQUIRE(
      loop.poller().add(pair.near.get(), event::Interest::read, event::Trigger::edge, in_the_way));
  Reader reader(pair.near.get());
  const event::SteadyWatch watch(loop, pair.near.get(), reader);
  loop.poller().remove(pair.near.get(), in_the_way);
  pair.send();
  loop.run_until([&] { return reader.times == 1; });
}

TEST_CASE("a watch that goes before it could begin is not tried any more") {
  const Pair pair;
  WatchedLoop loop;
  Reader first(pair.near.get());
  const event::SteadyWatch watched(loop, pair.near.get(), first);
  Reader second(pair.near.get());
  {
    const event::SteadyWatch in_vain(loop, pair.near.get(), second);
  }
  pair.send();
  loop.run_until([&] { return first.times == 1; }); // its own is still there
  CHECK(second.times == 0);
}
