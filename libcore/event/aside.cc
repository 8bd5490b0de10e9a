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

  AsideWork(Loop& its_loop, std::move_only_function<void()> its_work,
            std::move_only_function<void()> its_done)
      : loop(its_loop), work(std::move(its_work)), done(std::move(its_done)) {}

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
  AsideWork::start(std::make_unique<AsideWork>(loop, std::move(work), std::move(done)));
}

} // namespace event
