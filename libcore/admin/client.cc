#include "libcore/admin/client.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <system_error>

#include "libcore/admin/wire.h"
#include "libcore/event/fd.h"

namespace admin {

core::Result<std::string> ask(const std::string& path, std::string_view question) {
  const auto address = address_of(path);
  if (!address) return core::failure(fmt::format("{} is too long for a socket", path));
  const event::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket) set_patience(socket.get());
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address),
                           sizeof(*address)) != 0) {
    return core::failure(
        fmt::format("cannot reach the daemon at {}: {}; expected a running daemon, its user, and "
                    "the socket that its configuration names in admin.socket",
                    path, std::generic_category().message(errno)));
  }
  auto reply = write_line(socket.get(), question) ? read_line(socket.get(), kMaxReply)
                                                  : std::optional<std::string>{};
  if (!reply) return core::failure(fmt::format("the daemon at {} gives no answer", path));
  return *std::move(reply);
}

} // namespace admin
