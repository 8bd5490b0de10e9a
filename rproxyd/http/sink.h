// Where a session puts the bytes that it wants on the wire. The shell's sink gathers small writes
// into few TLS records and system calls; a test's sink is a string.
#pragma once

#include <cstddef>

#include "libcore/base/bytes.h"

namespace rproxyd {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(core::Bytes bytes) = 0; // taken whole: copied or encrypted at once
  virtual std::size_t pending() const = 0;   // bytes taken that the kernel has not
  virtual void shut_down() {} // behind all bytes, our end; reading goes on. Tunnels alone use it
};

} // namespace rproxyd
