// What a service manager has: a socket to which a daemon says how it fares. The environment names it
// as long as this lives.
#pragma once

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <filesystem>
#include <string>

#include "libcore/event/fd.h"

class NotifySocket {
 public:
  enum class Where { file, abstract };
  static constexpr int kLongMs = 10'000;

  explicit NotifySocket(Where where = Where::file) {
    std::string made = "/tmp/vestibule-notify-XXXXXX";
    REQUIRE(::mkdtemp(made.data()) != nullptr);
    folder_ = made;
    const std::string name = where == Where::file ? folder_ + "/socket" : "@" + folder_;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, address.sun_path);
    if (where == Where::abstract) address.sun_path[0] = '\0';
    socket_ = event::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~NotifySocket() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    std::filesystem::remove_all(folder_);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // The next message; empty: none came in time.
  std::string next(int within_ms = kLongMs) const {
    pollfd watched{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, within_ms) != 1) return {};
    std::array<char, 4096> text{};
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

 private:
  std::string folder_;
  event::Fd socket_;
};
