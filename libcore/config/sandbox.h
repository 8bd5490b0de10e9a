// "sandbox": what a daemon gives up before it serves anybody. The same for both daemons.
#pragma once

#include <optional>
#include <string>

#include "libcore/config/value.h"

namespace config {

struct Sandbox {
  std::optional<std::string>
      user; // whom a process that was started as root becomes; absent: nobody
  std::optional<std::string> group; // absent: the user's own
  bool drop_capabilities = true;
  bool no_new_privileges = true;
  bool seccomp = true;  // only the system calls that the daemons make
  bool landlock = true; // only the files that the configuration names
  bool core_dumps = false;

  friend bool operator==(const Sandbox&, const Sandbox&) = default;
};

void read_sandbox(const Value& value, Sandbox& sandbox);

} // namespace config
