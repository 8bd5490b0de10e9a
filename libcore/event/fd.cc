#include "libcore/event/fd.h"

#include <unistd.h>

namespace event {

void Fd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

} // namespace event
