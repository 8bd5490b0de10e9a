// What becomes of a process that gets no more memory: it ends at once, with a line that says so (decision 0068).
#pragma once

namespace program {

inline constexpr int kOutOfMemoryExit = 3;

// Operator new does so from here on, in all threads. `name` stands in the line, and must live on.
void end_when_memory_is_gone(const char* name);

} // namespace program
