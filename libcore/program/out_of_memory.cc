#include "libcore/program/out_of_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace program {
namespace {

const char* of_whom = "";

void write_text(const char* text) {
  const auto ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

// Nothing here allocates, and no destructor runs: other threads are in the midst of something.
void end() {
  write_text(of_whom);
  write_text(": out of memory: it ends, to be started anew\n");
  std::_Exit(kOutOfMemoryExit);
}

} // namespace

void end_when_memory_is_gone(const char* name) {
  of_whom = name;
  std::set_new_handler(end);
}

} // namespace program
