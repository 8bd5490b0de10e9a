// Two ends of a connection, each with a thread's worth of patience.
#pragma once

#include <sys/socket.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <utility>

#include "libcore/event/fd.h"

inline std::pair<event::Fd, event::Fd> connected_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {event::Fd(ends[0]), event::Fd(ends[1])};
}
