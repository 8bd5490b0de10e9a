#include "libcore/take_over/taking.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "libcore/admin/wire.h"
#include "libcore/take_over/giving.h"

namespace take_over {
namespace {

// A daemon that knows nothing of take-overs answers with a line of JSON, as to any other command.
core::Result<void> check_answer(int socket) {
  char first = 0;
  if (::recv(socket, &first, 1, MSG_PEEK) != 1)
    return core::failure("the running daemon does not answer");
  if (first != '{') return {};
  const auto line = admin::read_line(socket, admin::kMaxQuestion);
  return core::failure(
      fmt::format("the running daemon can't be taken over from: {}", line.value_or("")));
}

} // namespace

core::Result<Taking> Taking::begin(const std::string& path, std::string_view program) {
  const auto address = admin::address_of(path);
  if (!address) return core::failure(fmt::format("{} is too long for a socket", path));
  event::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket) admin::set_patience(socket.get());
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return core::failure(
        fmt::format("no daemon can be taken over from at {}: {}; expected one that runs with the "
                    "same admin.socket",
                    path, std::generic_category().message(errno)));
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != ::geteuid()) {
    return core::failure(fmt::format("{} is user {}'s: run as the same user, not as {}", path,
                                     peer.uid, ::geteuid()));
  }
  const nlohmann::json question{{"command", "take-over"},
                                {"program", program},
                                {"protocol", kProtocol},
                                {"version", VESTIBULE_VERSION}};
  if (!admin::write_line(socket.get(), question.dump()))
    return core::failure("the running daemon does not listen");
  if (auto answer = check_answer(socket.get()); !answer) return std::unexpected(answer.error());
  return Taking(std::make_shared<Channel>(std::move(socket)), peer.pid);
}

Taking::~Taking() {
  if (channel_ && !serves_) refuse("the new process gives up");
}

core::Result<void> Taking::offer(const Adopt& adopt) { return portions(Kind::offered, adopt); }

core::Result<void> Taking::remainder(const Adopt& adopt) {
  if (auto sent = channel_->send(Kind::ready); !sent) return silenced(sent.error());
  return portions(Kind::handed, adopt);
}

core::Result<void> Taking::serve() {
  core::Result<void> sent = channel_->send(Kind::serving);
  if (!sent) sent = silenced(sent.error());
  if (!sent && !died_) return sent;
  if (died_) channel_.reset();
  serves_ = true;
  return {};
}

void Taking::refuse(std::string_view why) {
  if (serves_ || refused_) return;
  refused_ = true;
  // The end of the connection says the same, if this can't be said any more.
  const auto told = channel_->send(Kind::refused, why);
  died_ = died_ || !told;
}

core::Result<void> Taking::portions(Kind last, const Adopt& adopt) {
  for (std::size_t i = 0; i <= kMaxPortions; ++i) {
    auto message = channel_->receive();
    if (!message) {
      died_ = channel_->ended();
      return std::unexpected(message.error());
    }
    if (message->kind == last) return {};
    if (message->kind == Kind::kept) return kept(*message);
    if (message->kind != Kind::portion)
      return core::failure("the running daemon sent what was not its turn");
    if (auto adopted = adopt(*message); !adopted) {
      refuse(adopted.error().text);
      return adopted;
    }
  }
  return core::failure("the running daemon has more to give than can be taken");
}

// Nothing can be sent: the other side says why, unless it has died.
std::unexpected<core::Error> Taking::silenced(core::Error failure) {
  while (channel_->ended()) {
    const auto message = channel_->receive();
    if (!message) {
      died_ = channel_->ended();
      break;
    }
    if (message->kind == Kind::kept) return kept(*message);
  }
  return std::unexpected(std::move(failure));
}

std::unexpected<core::Error> Taking::kept(const Message& message) {
  refused_ = true; // it need not be told
  return core::failure(fmt::format(
      "the running daemon serves on: {}",
      message.state.is_string() ? message.state.get<std::string>() : "no reason given"));
}

} // namespace take_over
