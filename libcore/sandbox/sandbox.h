// What a daemon gives up before it serves anybody, and what became of that.
//
//   1. give_up_root()   it becomes the configured user, if it was started as root
//   2. the configuration is read again, as that user: what a reload could not read is found now
//   3. confine()        capabilities, no_new_privs, core dumps, files (Landlock), system calls (seccomp)
//
// All by the process's first thread, before there is another one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/config/sandbox.h"
#include "libcore/sandbox/capabilities.h"
#include "libcore/sandbox/reach.h"

namespace sandbox {

enum class State : std::uint8_t { on, off, unavailable };
std::string_view name_of(State state); // "on", "off", "unavailable"

struct Report {
  std::string user;
  std::vector<std::string> capabilities; // that are left
  State no_new_privileges = State::off;
  State seccomp = State::off;
  State landlock = State::off;
  bool core_dumps = true;
  std::vector<std::string> remarks; // what could be better, and what the kernel lacks

  Reach reach = {}; // with Landlock on: what it leaves
};

// What a daemon makes use of.
struct Needs {
  Reach reach;
  Capabilities capabilities = 0; // beside what both use, if it was started with them
  bool kernel_maps =
      false; // attaches a program that it has loaded into the kernel, and changes its maps
};

// Whether it became another user.
core::Result<bool> give_up_root(const config::Sandbox& settings);

// Never fails: what the kernel doesn't do is in the report, and the daemon serves without it.
Report confine(const config::Sandbox& settings, const Needs& needs);

} // namespace sandbox
