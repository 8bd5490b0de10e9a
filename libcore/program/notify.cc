#include "libcore/program/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>

namespace program {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A status is one line.
std::string line_of(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

} // namespace

Notify::Notify() : path_(variable("NOTIFY_SOCKET")) {
  // Others than these (such as vsock) are no business of a daemon on the manager's own machine.
  if (path_.empty() || (path_.front() != '/' && path_.front() != '@') ||
      path_.size() >= sizeof(sockaddr_un::sun_path)) {
    path_.clear();
    return;
  }
  if (path_.front() == '@') path_.front() = '\0';
  socket_ = event::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto within = number(variable("WATCHDOG_USEC"));
  const std::string_view whom = variable("WATCHDOG_PID");
  if (within && *within != 0 && (whom.empty() || whom == std::to_string(::getpid())))
    watchdog_ = std::chrono::microseconds(*within);
}

void Notify::ready(std::string_view status, bool took_over) const {
  send(fmt::format("READY=1\nSTATUS={}{}", line_of(status),
                   took_over ? fmt::format("\nMAINPID={}", ::getpid()) : ""));
}

// The time tells a manager of Type=notify-reload which of two reloads this is.
void Notify::reloading(core::TimePoint now) const {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", since.count()));
}

void Notify::stopping(std::string_view status) const {
  send(fmt::format("STOPPING=1\nSTATUS={}", line_of(status)));
}

void Notify::status(std::string_view text) const { send(fmt::format("STATUS={}", line_of(text))); }

void Notify::alive() const { send("WATCHDOG=1"); }

// A manager that can't be reached is no reason not to serve.
void Notify::send(std::string_view lines) const {
  if (!socket_) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path_, address.sun_path);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  static_cast<void>(::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), size));
}

} // namespace program
