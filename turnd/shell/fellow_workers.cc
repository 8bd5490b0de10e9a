#include "turnd/shell/fellow_workers.h"

#include <utility>

#include "turnd/shell/worker.h"

namespace turnd {

void FellowWorkers::post(unsigned worker, std::move_only_function<void(Worker&)> work) const {
  Worker* target = workers_[worker];
  target->loop().post([target, work = std::move(work)]() mutable { work(*target); });
}

} // namespace turnd
