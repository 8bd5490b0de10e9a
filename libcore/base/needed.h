#pragma once

#include <cstdlib>
#include <new>

namespace core {

// For what a C library allocates and we can't go on without: null is what operator new makes of it,
// the end of the process (decision 0068).
template <typename T>
T* needed(T* allocated) {
  if (allocated != nullptr) return allocated;
  if (const auto handler = std::get_new_handler()) handler();
  std::abort();
}

} // namespace core
