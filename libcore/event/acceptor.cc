#include "libcore/event/acceptor.h"

#include <utility>

#include "libcore/event/socket.h"

namespace event {

Acceptor::Acceptor(Loop& loop, Fd socket,
                   std::move_only_function<void(Fd, const core::SocketAddress&)> accepted,
                   std::move_only_function<void(int)> failed)
    : loop_(loop),
      socket_(std::move(socket)),
      accepted_(std::move(accepted)),
      failed_(std::move(failed)) {
  watch();
}

Acceptor::~Acceptor() { unwatch(); }

void Acceptor::watch() {
  watched_ = loop_.poller().add(socket_.get(), Interest::read, Trigger::level, *this);
  if (!watched_) loop_.set_after(pause_, kPauseWithoutDescriptors); // without memory, too
}

void Acceptor::unwatch() {
  if (watched_) loop_.poller().remove(socket_.get(), *this);
  watched_ = false;
}

void Acceptor::on_ready(Readiness) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto next = accept_tcp(socket_.get());
    if (next.fd) {
      accepted_(std::move(next.fd), next.peer);
      continue;
    }
    if (next.error == 0) return;
    failed_(next.error);
    unwatch();
    loop_.set_after(pause_, kPauseWithoutDescriptors);
    return;
  }
}

void Acceptor::take_what_waits() {
  for (int i = 0; i < kMaxWaiting; ++i) {
    auto next = accept_tcp(socket_.get());
    if (!next.fd) return;
    accepted_(std::move(next.fd), next.peer);
  }
}

void Acceptor::on_deadline(int) {
  if (!paused_) watch();
}

void Acceptor::pause() {
  paused_ = true;
  unwatch();
}

void Acceptor::resume() {
  paused_ = false;
  if (!watched_) watch();
}

} // namespace event
