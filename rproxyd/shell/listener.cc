#include "rproxyd/shell/listener.h"

#include <cstring>

#include "libcore/event/socket.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

Listener::Listener(Worker& worker, std::size_t index, event::Fd fd)
    : worker_(worker), index_(index), fd_(std::move(fd)) {
  watch();
}

Listener::~Listener() { unwatch(); }

void Listener::watch() {
  watched_ =
      worker_.loop().poller().add(fd_.get(), event::Interest::read, event::Trigger::level, *this);
}

void Listener::unwatch() {
  if (watched_) worker_.loop().poller().remove(fd_.get(), *this);
  watched_ = false;
}

void Listener::on_ready(event::Readiness) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto accepted = event::accept_tcp(fd_.get());
    if (accepted.fd) {
      worker_.accepted(index_, std::move(accepted.fd), accepted.peer);
      continue;
    }
    if (accepted.error == 0) return;
    worker_.log().warning(
        "accept.failed", "no connection can be accepted for a moment",
        logging::field("reason", std::string_view(std::strerror(accepted.error))));
    unwatch();
    worker_.loop().set_after(pause_, kPauseWithoutDescriptors);
    return;
  }
}

void Listener::on_deadline(int) { watch(); }

} // namespace rproxyd
