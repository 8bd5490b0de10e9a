#include "libcore/event/poller.h"

#include <algorithm>
#include <cstdlib>

namespace event {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) std::abort(); // out of descriptors before anything was opened
}

bool Poller::add(int fd, Interest interest, Trigger trigger, ReadyHandler& handler) {
  epoll_event e{};
  e.events = static_cast<std::uint32_t>(interest) | static_cast<std::uint32_t>(trigger);
  e.data.ptr = &handler;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) == 0;
}

void Poller::again(int fd, Interest interest, ReadyHandler& handler) {
  epoll_event e{};
  e.events = static_cast<std::uint32_t>(interest) | EPOLLET;
  e.data.ptr = &handler;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &e);
}

void Poller::remove(int fd, ReadyHandler& handler) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (epoll_event& e : to_come_) {
    if (e.data.ptr == &handler) e.data.ptr = nullptr;
  }
}

void Poller::wait(int milliseconds) {
  const int count = epoll_wait(epoll_.get(), batch_.data(), kBatch, milliseconds);
  to_come_ = std::span(batch_).first(static_cast<std::size_t>(std::max(count, 0)));
}

void Poller::hand_out() {
  while (!to_come_.empty()) {
    const epoll_event e = to_come_.front();
    to_come_ = to_come_.subspan(1);
    auto* handler = static_cast<ReadyHandler*>(e.data.ptr);
    if (handler == nullptr) continue;
    const bool broken = (e.events & (EPOLLERR | EPOLLHUP)) != 0;
    const bool ended = broken || (e.events & EPOLLRDHUP) != 0;
    handler->on_ready({.readable = ended || (e.events & EPOLLIN) != 0,
                       .writable = broken || (e.events & EPOLLOUT) != 0,
                       .ended = ended,
                       .failed = (e.events & EPOLLERR) != 0});
  }
}

} // namespace event
