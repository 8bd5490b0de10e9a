// Tells the service manager how the daemon fares: sd_notify(3), of which this is the protocol's other
// implementation. A datagram of KEY=VALUE lines to the Unix socket that $NOTIFY_SOCKET names; without
// one nothing is sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/time.h"
#include "libcore/event/fd.h"

namespace program {

class Notify {
 public:
  // What stands in the environment: NOTIFY_SOCKET (a path, or @ and a name in the abstract namespace),
  // WATCHDOG_USEC and WATCHDOG_PID.
  Notify();

  // `took_over`: this process is the service's main one from now on, in place of another.
  void ready(std::string_view status, bool took_over = false) const;
  void reloading(core::TimePoint now) const; // ready() ends it
  void stopping(std::string_view status) const;
  void status(std::string_view text) const;
  void alive() const;

  // How long the manager waits for alive() before it thinks us dead; it should come twice as often.
  // nullopt: it is not waited for.
  std::optional<core::Duration> watchdog() const { return watchdog_; }

 private:
  void send(std::string_view lines) const;

  std::string path_; // as the kernel wants it; empty: none
  event::Fd socket_;
  std::optional<core::Duration> watchdog_;
};

} // namespace program
