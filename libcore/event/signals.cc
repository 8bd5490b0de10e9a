#include "libcore/event/signals.h"

#include <uv.h>

#include <csignal>
#include <vector>

namespace event {

struct Signals::State {
  Loop& loop;
  std::function<void(int)> handler;
  std::vector<uv_signal_t> handles;
  std::size_t open; // handles that are not yet closed
};

namespace {

// What libuv has put back, unless another loop waits for the signal.
void ignore_if_default(int number) {
  struct sigaction now{};
  if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
    std::signal(number, SIG_IGN);
}

} // namespace

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> handler)
    : state_(new State{.loop = loop,
                       .handler = std::move(handler),
                       .handles = std::vector<uv_signal_t>(numbers.size()),
                       .open = numbers.size()}) {
  auto next = state_->handles.begin();
  for (const int number : numbers) {
    uv_signal_t& handle = *next++;
    uv_signal_init(static_cast<uv_loop_t*>(loop.uv_loop()), &handle);
    handle.data = state_;
    uv_signal_start(
        &handle,
        [](uv_signal_t* h, int n) {
          auto* state = static_cast<State*>(h->data);
          state->loop.wake_up();
          state->handler(n);
        },
        number);
  }
}

Signals::~Signals() {
  if (state_->handles.empty()) {
    delete state_;
    return;
  }
  for (uv_signal_t& handle : state_->handles) {
    const int number = handle.signum;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* h) {
      auto* state = static_cast<State*>(h->data);
      if (--state->open == 0) delete state;
    });
    ignore_if_default(number);
  }
}

} // namespace event
