#include "libcore/event/fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace event {

void Fd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Fd copy_of(const Fd& fd) { return fd ? Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)) : Fd(); }

} // namespace event
