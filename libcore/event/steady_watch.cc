#include "libcore/event/steady_watch.h"

namespace event {

SteadyWatch::SteadyWatch(Loop& loop, int fd, ReadyHandler& handler)
    : loop_(loop), fd_(fd), handler_(handler) {
  watch();
}

SteadyWatch::~SteadyWatch() {
  if (watched_) loop_.poller().remove(fd_, handler_);
}

void SteadyWatch::watch() {
  watched_ = loop_.poller().add(fd_, Interest::read, Trigger::level, handler_);
  if (!watched_) loop_.set_after(again_, kTryAgain);
}

void SteadyWatch::on_deadline(int) { watch(); }

} // namespace event
