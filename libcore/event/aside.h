// Work that may block, such as a read from a disk, beside the loop: on one of libuv's threads.
#pragma once

#include <functional>

#include "libcore/event/loop.h"

namespace event {

// `work` runs on another thread, `done` then on the loop's, in a wake-up of its own or with others.
// Both are always called, `done` perhaps while the loop is being destroyed: it must not refer to
// what may be gone by then.
void run_aside(Loop& loop, std::move_only_function<void()> work,
               std::move_only_function<void()> done);

} // namespace event
