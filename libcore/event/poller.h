// Readiness of many descriptors: an epoll set of our own. A descriptor is registered once,
// edge-triggered by default, and never re-armed, which libuv's handles can't do; and thousands of relay
// sockets need no handle each.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "libcore/event/fd.h"

namespace event {

struct Readiness {
  bool readable = false;
  bool writable = false;
  bool ended = false;  // the other side closed, or an error waits: read until 0 or an error comes
  bool failed = false; // an error waits, such as that of a reset
};

// Told that its descriptor may be read or written. Edge-triggered: read (write) until EAGAIN, or
// remember that there is more and come back with Loop::run_next().
class ReadyHandler {
 public:
  virtual void on_ready(Readiness readiness) = 0;

 protected:
  ~ReadyHandler() = default;
};

enum class Interest : std::uint32_t {
  read = EPOLLIN | EPOLLRDHUP,
  read_write = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
};
enum class Trigger : std::uint32_t { edge = EPOLLET, level = 0 };

class Poller {
 public:
  Poller();

  // `handler` is called from hand_out() until remove(); both must be gone before the descriptor is
  // closed. False when the kernel refuses (errno tells).
  bool add(int fd, Interest interest, Trigger trigger, ReadyHandler& handler);
  // It is handed out once more if it is ready now, as if it had just become so: for an edge-triggered
  // one that had more than its turn. As it was added.
  void again(int fd, Interest interest, ReadyHandler& handler);
  void remove(int fd, ReadyHandler& handler); // also drops what of this wake-up is still to come

  // Waits until something is ready, a signal comes, or the time is over; -1: for ever.
  void wait(int milliseconds);
  // Hands out what wait() found; at most kBatch events.
  void hand_out();
  // What is ready now, without waiting.
  void dispatch() {
    wait(0);
    hand_out();
  }

 private:
  static constexpr std::size_t kBatch = 256;
  Fd epoll_;
  std::array<epoll_event, kBatch> batch_{};
  std::span<epoll_event> to_come_;
};

} // namespace event
