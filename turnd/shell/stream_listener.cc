#include "turnd/shell/stream_listener.h"

#include <cstring>

#include "libcore/event/socket.h"
#include "turnd/shell/worker.h"

namespace turnd {

StreamListener::StreamListener(Worker& worker, event::Fd fd,
                               std::shared_ptr<const tls::ServerContext> context)
    : worker_(worker), fd_(std::move(fd)), context_(std::move(context)) {
  watch();
}

StreamListener::~StreamListener() { unwatch(); }

void StreamListener::watch() {
  watched_ =
      worker_.loop().poller().add(fd_.get(), event::Interest::read, event::Trigger::level, *this);
}

void StreamListener::unwatch() {
  if (watched_) worker_.loop().poller().remove(fd_.get(), *this);
  watched_ = false;
}

void StreamListener::on_ready(event::Readiness) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto accepted = event::accept_tcp(fd_.get());
    if (accepted.fd) {
      worker_.accepted(std::move(accepted.fd), accepted.peer, context_);
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

void StreamListener::on_deadline(int) { watch(); }

} // namespace turnd
