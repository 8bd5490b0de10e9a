#include "libcore/admin/server.h"

#include <errno.h>
#include <fmt/format.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include "libcore/admin/wire.h"

namespace admin {
namespace {

constexpr int kBacklog = 16;

core::Error failed(std::string_view what, const std::string& path) {
  return {fmt::format("cannot {} the admin socket {}: {}", what, path,
                      std::generic_category().message(errno))};
}

// Whether somebody answers there.
bool in_use(const sockaddr_un& address) {
  const event::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
             0 ||
         errno == EAGAIN;
}

// Removes what a daemon left behind; the reason why not. What is to be replaced stays until then.
std::optional<core::Error> make_way(const std::string& path, const sockaddr_un& address,
                                    bool replaces) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed("look at", path);
  }
  if (!S_ISSOCK(found.st_mode))
    return core::Error{fmt::format("{} is there already, and no socket", path)};
  if (replaces) return std::nullopt;
  if (in_use(address))
    return core::Error{fmt::format("another daemon uses the admin socket {}", path)};
  if (::unlink(path.c_str()) != 0) return failed("replace", path);
  return std::nullopt;
}

} // namespace

core::Result<std::unique_ptr<Server>> Server::start(std::string path, const Commands& commands,
                                                    bool replaces) {
  // Made under a name of its own, and then given the other's: there is no moment without one.
  const std::string made = replaces ? path + ".new" : path;
  const auto address = address_of(made);
  if (!address) return core::failure(fmt::format("{} is too long for a socket", made));
  if (auto obstacle = make_way(path, *address, replaces))
    return std::unexpected(*std::move(obstacle));
  if (replaces) ::unlink(made.c_str()); // of one that was killed just then
  event::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  event::Fd stop(::eventfd(0, EFD_CLOEXEC));
  if (!listener || !stop) return std::unexpected(failed("make", path));
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
    return std::unexpected(failed("bind", path));
  // Nobody can connect before listen().
  struct stat file{};
  if (::chmod(made.c_str(), 0600) != 0 || ::listen(listener.get(), kBacklog) != 0 ||
      ::lstat(made.c_str(), &file) != 0 ||
      (replaces && ::rename(made.c_str(), path.c_str()) != 0)) {
    return std::unexpected(failed("open", path));
  }
  return std::unique_ptr<Server>(
      new Server(std::move(path), commands, std::move(listener), std::move(stop), file.st_ino));
}

Server::Server(std::string path, const Commands& commands, event::Fd listener, event::Fd stop,
               std::uint64_t inode)
    : path_(std::move(path)),
      commands_(commands),
      listener_(std::move(listener)),
      inode_(inode),
      stop_(std::move(stop)),
      thread_([this] { serve(); }) {}

Server::~Server() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
  if (handed_over_) return;
  struct stat file{};
  if (::lstat(path_.c_str(), &file) == 0 && file.st_ino == inode_) ::unlink(path_.c_str());
}

void Server::serve() {
  for (;;) {
    std::array<pollfd, 2> ready{{{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                                 {.fd = stop_.get(), .events = POLLIN, .revents = 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
    if (ready[1].revents != 0) return;
    if (ready[0].revents == 0) continue;
    const event::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) answer(connection.get());
  }
}

void Server::answer(int connection) const {
  set_patience(connection);
  if (const auto question = read_line(connection, kMaxQuestion))
    commands_.answer_line(*question, connection);
}

} // namespace admin
