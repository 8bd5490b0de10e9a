#include "libcore/take_over/giving.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace take_over {
namespace {

// nullopt: nothing the other side may say.
core::Result<void> expect(Channel& channel, Kind kind, core::Duration within) {
  auto message = channel.receive(within);
  if (!message) return std::unexpected(message.error());
  if (message->kind == kind) return {};
  if (message->kind == Kind::refused && message->state.is_string())
    return core::failure(message->state.get<std::string>());
  return core::failure("the new process sent what was not its turn");
}

} // namespace

Giving::Giving(std::string program, Giver& giver, logging::Logger& log)
    : program_(std::move(program)), giver_(giver), log_(log) {}

Giving::~Giving() {
  if (!thread_.joinable()) return;
  if (busy_) ::shutdown(channel_->socket(), SHUT_RDWR);
  thread_.join();
}

void Giving::begin(event::Fd connection, const nlohmann::json& question) {
  auto channel = std::make_shared<Channel>(std::move(connection));
  if (const auto why = objection(channel->socket(), question); !why.empty()) {
    const bool told = channel->send(Kind::kept, why).has_value();
    log_.warning("take_over.refused", "another process may not take over",
                 logging::field("reason", why), logging::field("told", told ? "yes" : "no"));
    return;
  }
  if (thread_.joinable()) thread_.join(); // of one that has failed
  busy_ = true;
  channel_ = std::move(channel);
  thread_ = std::thread([this] {
    run(*channel_);
    busy_ = false;
    if (given_) giver_.given(channel_);
  });
}

std::string Giving::objection(int socket, const nlohmann::json& question) const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != ::geteuid())
    return fmt::format("it must run as user {}, as this one does", ::geteuid());
  if (!question.is_object()) return "it asks for nothing";
  if (const auto program = question.find("program");
      program == question.end() || *program != program_)
    return fmt::format("this is {}", program_);
  if (const auto protocol = question.find("protocol");
      protocol == question.end() || *protocol != kProtocol) {
    return fmt::format(
        "this process speaks version {} of the take-over, and the new one does not: restart "
        "instead",
        kProtocol);
  }
  if (given_) return "this process has been taken over from already";
  if (busy_) return "a take-over is in progress";
  return {};
}

void Giving::run(Channel& channel) {
  log_.info("take_over.begin", "another process takes over");
  if (const auto done = give(channel); !done) {
    // The reason stands in the new one's log, too, if it can still be told.
    const bool told = channel.send(Kind::kept, done.error().text).has_value();
    log_.warning("take_over.failed", "this process serves on",
                 logging::field("reason", done.error().text),
                 logging::field("told", told ? "yes" : "no"));
    return;
  }
  given_ = true;
  log_.info("take_over.done", "the new process serves; what is in progress here may finish");
}

core::Result<void> Giving::give(Channel& channel) {
  Portions portions(channel);
  if (auto offered = giver_.offer(portions); !offered) return offered;
  if (auto sent = channel.send(Kind::offered); !sent) return sent;
  if (auto ready = expect(channel, Kind::ready, kReadyWithin); !ready) return ready;

  auto handed = giver_.hand_over(portions);
  if (handed) handed = channel.send(Kind::handed);
  if (handed) handed = expect(channel, Kind::serving, kServingWithin);
  if (handed) return handed;
  // The new one may have said it at this very moment: what is here counts.
  channel.take_no_more();
  if (!channel.ended() && expect(channel, Kind::serving, core::Duration::zero())) return {};
  giver_.resume();
  return handed;
}

} // namespace take_over
