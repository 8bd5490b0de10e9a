#include "libcore/admin/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

namespace admin {

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::ranges::copy(path, address.sun_path);
  return address;
}

std::optional<std::string> read_line(int socket, std::size_t most) {
  std::string line;
  std::string piece(std::size_t{16} * 1024, '\0');
  while (line.size() <= most) {
    const ssize_t got = ::recv(socket, piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    const std::string_view fresh(piece.data(), static_cast<std::size_t>(got));
    const auto end = fresh.find('\n');
    line += fresh.substr(0, end);
    if (end != std::string_view::npos && line.size() <= most) return line;
  }
  return std::nullopt;
}

bool write_line(int socket, std::string_view line) {
  std::string rest(line);
  rest += '\n';
  for (std::string_view left(rest); !left.empty();) {
    const ssize_t sent = ::send(socket, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void set_patience(int socket) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kPatience);
  const timeval patience{.tv_sec = seconds.count(), .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

} // namespace admin
