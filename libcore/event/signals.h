// Signals delivered to a loop as calls. Afterwards they are ignored, since the process is about to end:
// told to in its last moment, it still ends as it would have.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "libcore/event/loop.h"

namespace event {

class Signals {
 public:
  // `handler` runs on the loop's thread with the signal's number until the object is destroyed.
  // The loop must still exist then, and be run once more (or destroyed) afterwards.
  Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> handler);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct State;
  State* state_; // freed by libuv's close callbacks
};

} // namespace event
