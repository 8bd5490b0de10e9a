#include "libcore/event/aside.h"

#include <uv.h>

#include <memory>
#include <utility>

namespace event {

struct AsideWork {
  uv_work_t request{};
  Loop& loop;
  std::move_only_function<void()> work;
  std::move_only_function<void()> done;

  static void start(std::unique_ptr<AsideWork> aside) {
    AsideWork* raw = aside.release(); // until finished()
    raw->request.data = raw;
    auto* uv = static_cast<uv_loop_t*>(raw->loop.uv_loop());
    // Fails only where one of its functions is missing.
    uv_queue_work(
        uv, &raw->request, [](uv_work_t* r) { static_cast<AsideWork*>(r->data)->work(); },
        [](uv_work_t* r, int) { finished(static_cast<AsideWork*>(r->data)); });
  }

 private:
  static void finished(AsideWork* raw) {
    const std::unique_ptr<AsideWork> aside(raw);
    aside->loop.wake_up();
    aside->done();
  }
};

void run_aside(Loop& loop, std::move_only_function<void()> work,
               std::move_only_function<void()> done) {
  AsideWork::start(std::unique_ptr<AsideWork>(
      new AsideWork{.loop = loop, .work = std::move(work), .done = std::move(done)}));
}

} // namespace event
