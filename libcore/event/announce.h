// Tells scripts and tests where a daemon listens: written once all listeners are bound, so that the
// file's appearance also says that connections are taken.
#pragma once

#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/error.h"

namespace event {

struct BoundListener {
  std::string transport; // "https", "http", "udp", "tcp", "tls"
  core::SocketAddress address;
};

// {"listeners":[{"transport":"https","address":"127.0.0.1:40001"}]}, written to a file beside `path`
// that then takes its name, so that a reader never sees half of it.
core::Result<void> announce(const std::string& path, const std::vector<BoundListener>& listeners);

} // namespace event
