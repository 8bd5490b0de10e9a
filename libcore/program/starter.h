// A process beside the daemon that can start a program, which the daemon itself gives up (libcore/sandbox):
// its successor begins as it began itself, with the same user, files and privileges. It can be asked for
// nothing else, knows nothing of the configuration, and ends with the daemon.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/event/fd.h"

namespace program {

class Starter {
 public:
  // By the first thread, before there is anything to know. `arguments`: of this same program. `name`: of
  // the process, 15 bytes at most.
  Starter(const std::string& name, const std::vector<std::string>& arguments);

  const std::string& program() const { return program_; }
  // The process that was started. One call at a time.
  core::Result<pid_t> start() const;

 private:
  std::string program_; // where it was started from, also when another file lies there now
  std::string lacking_; // why nothing can be started; empty: it can
  event::Fd questions_;
};

} // namespace program
