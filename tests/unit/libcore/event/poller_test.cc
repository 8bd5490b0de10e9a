#include "libcore/event/poller.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <functional>
#include <memory>
#include <vector>

namespace {

using event::Interest;
using event::Trigger;

struct Told final : event::ReadyHandler {
  void on_ready(event::Readiness readiness) override {
    ++times;
    last = readiness;
    if (when_told) when_told();
  }
  int times = 0;
  event::Readiness last;
  std::function<void()> when_told;
};

struct Ends {
  Ends() {
    std::array<int, 2> both{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
    ours = event::Fd(both[0]);
    theirs = event::Fd(both[1]);
  }
  void send(std::string_view text) const {
    REQUIRE(::send(theirs.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  event::Fd ours;
  event::Fd theirs;
};

TEST_CASE("edge: told once for what arrived, and again when more arrives") {
  event::Poller poller;
  const Ends ends;
  Told told;
  REQUIRE(poller.add(ends.ours.get(), Interest::read, Trigger::edge, told));
  poller.dispatch();
  CHECK(told.times == 0);
  ends.send("a");
  poller.dispatch();
  poller.dispatch();
  CHECK(told.times == 1);
  CHECK(told.last.readable);
  CHECK_FALSE(told.last.writable);
  CHECK_FALSE(told.last.ended);
  ends.send("b");
  poller.dispatch();
  CHECK(told.times == 2);
  poller.remove(ends.ours.get(), told);
}

TEST_CASE("level: told as long as there is something to read") {
  event::Poller poller;
  const Ends ends;
  Told told;
  REQUIRE(poller.add(ends.ours.get(), Interest::read, Trigger::level, told));
  ends.send("a");
  poller.dispatch();
  poller.dispatch();
  CHECK(told.times == 2);
  poller.remove(ends.ours.get(), told);
  poller.dispatch();
  CHECK(told.times == 2);
}

TEST_CASE(
    "a half-close by the other side shows as ended and readable; its going as writable, too") {
  event::Poller poller;
  Ends ends;
  Told told;
  REQUIRE(poller.add(ends.ours.get(), Interest::read_write, Trigger::edge, told));
  poller.dispatch();
  CHECK(told.last.writable);
  CHECK_FALSE(told.last.ended);
  ::shutdown(ends.theirs.get(), SHUT_WR);
  poller.dispatch();
  CHECK(told.last.ended);
  CHECK(told.last.readable);
  ends.theirs.reset();
  told.last = {};
  poller.dispatch();
  CHECK(told.last.ended);
  CHECK(told.last.readable);
  CHECK(told.last.writable);
  poller.remove(ends.ours.get(), told);
}

TEST_CASE("a handler that is removed hears nothing more, not even of this wake-up") {
  event::Poller poller;
  const Ends first_ends;
  const Ends second_ends;
  auto first = std::make_unique<Told>();
  auto second = std::make_unique<Told>();
  int in_all = 0;
  // Whoever is told first removes and destroys the other, whose event is in the same batch.
  first->when_told = [&] {
    ++in_all;
    poller.remove(second_ends.ours.get(), *second);
    second.reset();
  };
  second->when_told = [&] {
    ++in_all;
    poller.remove(first_ends.ours.get(), *first);
    first.reset();
  };
  REQUIRE(poller.add(first_ends.ours.get(), Interest::read, Trigger::edge, *first));
  REQUIRE(poller.add(second_ends.ours.get(), Interest::read, Trigger::edge, *second));
  first_ends.send("a");
  second_ends.send("b");
  poller.dispatch();
  poller.dispatch();
  CHECK(in_all == 1);
}

TEST_CASE("more descriptors than one batch holds are all told of, in some calls") {
  event::Poller poller;
  std::vector<event::Fd> fds;
  std::vector<Told> told(600);
  for (Told& each : told) {
    fds.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    REQUIRE(poller.add(fds.back().get(), Interest::read, Trigger::edge, each));
  }
  for (int i = 0; i < 3; ++i) poller.dispatch();
  for (const Told& each : told) CHECK(each.times == 1);
}

TEST_CASE("edge: told once more where more was left than a turn's") {
  event::Poller poller;
  const Ends ends;
  Told told;
  REQUIRE(poller.add(ends.ours.get(), Interest::read, Trigger::edge, told));
  ends.send("ab");
  poller.dispatch();
  poller.again(ends.ours.get(), Interest::read, told);
  poller.dispatch();
  poller.dispatch();
  CHECK(told.times == 2);
  std::array<char, 2> room{};
  REQUIRE(::read(ends.ours.get(), room.data(), room.size()) == 2);
  poller.again(ends.ours.get(), Interest::read, told);
  poller.dispatch();
  CHECK(told.times == 2);
}

TEST_CASE("a descriptor that can't be polled is refused") {
  event::Poller poller;
  Told told;
  CHECK_FALSE(poller.add(-1, Interest::read, Trigger::edge, told));
  CHECK(errno == EBADF);
  const Ends ends;
  CHECK(poller.add(ends.ours.get(), Interest::read, Trigger::edge, told));
  CHECK_FALSE(poller.add(ends.ours.get(), Interest::read, Trigger::edge, told));
  CHECK(errno == EEXIST);
}

TEST_CASE("an Fd closes what it owns, once") {
  std::array<int, 2> pipe_ends{};
  REQUIRE(::pipe(pipe_ends.data()) == 0);
  const event::Fd reader(pipe_ends[0]);
  const auto open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
  {
    event::Fd writer(pipe_ends[1]);
    CHECK(writer);
    event::Fd moved(std::move(writer));
    CHECK_FALSE(writer); // NOLINT(bugprone-use-after-move): the point
    CHECK(open(pipe_ends[1]));
    moved = event::Fd(); // NOLINT: replaced, thus closed
    CHECK_FALSE(open(pipe_ends[1]));
  }
  CHECK_FALSE(event::Fd());
  CHECK(event::Fd().get() == -1);
}

} // namespace
