#include "libcore/program/notify.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/generators/catch_generators.hpp>

#include "tests/unit/libcore/program/notify_socket.h"

using program::Notify;
using namespace std::chrono_literals;

TEST_CASE("a service manager hears of each state in the words of sd_notify(3)") {
  const auto where = GENERATE(NotifySocket::Where::file, NotifySocket::Where::abstract);
  const NotifySocket manager(where);
  const Notify notify;
  notify.ready("serves");
  CHECK(manager.next() == "READY=1\nSTATUS=serves");
  notify.ready("serves", true);
  CHECK(manager.next() == fmt::format("READY=1\nSTATUS=serves\nMAINPID={}", ::getpid()));
  notify.reloading(core::TimePoint(1234567891ns));
  CHECK(manager.next() == "RELOADING=1\nMONOTONIC_USEC=1234567");
  notify.stopping("2 left");
  CHECK(manager.next() == "STOPPING=1\nSTATUS=2 left");
  notify.status("two\nlines");
  CHECK(manager.next() == "STATUS=two lines");
  notify.alive();
  CHECK(manager.next() == "WATCHDOG=1");
}

TEST_CASE("the watchdog waits for the process that it names, or for whoever it is") {
  const NotifySocket manager;
  CHECK_FALSE(Notify().watchdog());
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  CHECK(Notify().watchdog() == 3s);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(Notify().watchdog() == 3s);
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(Notify().watchdog());
  ::unsetenv("WATCHDOG_PID");
  for (const char* nothing : {"", "0", "3s", "-1", "99999999999999999999"}) {
    ::setenv("WATCHDOG_USEC", nothing, 1);
    CHECK_FALSE(Notify().watchdog());
  }
}

TEST_CASE(
    "without a service manager, or with one that is gone, nothing is sent and nothing breaks") {
  {
    const Notify nobody;
  }
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  CHECK_FALSE(Notify().watchdog());
  ::unsetenv("WATCHDOG_USEC");
  for (const char* place : {"vsock:2:1234", "relative/path", "/nowhere/at/all"}) {
    ::setenv("NOTIFY_SOCKET", place, 1);
    Notify().ready("serves");
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'a')).c_str(), 1);
  Notify().ready("serves");
  ::unsetenv("NOTIFY_SOCKET");
}
