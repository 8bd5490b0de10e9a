// How the workers reach each other: each may have work done on another one's thread. Filled before
// any of them runs, and unchanged from then on.
#pragma once

#include <functional>
#include <vector>

namespace turnd {

class Worker;

class FellowWorkers {
 public:
  // In the order of their numbers.
  void join(Worker& worker) { workers_.push_back(&worker); }
  // Done in the order of the calls; not at all when that worker has ended.
  void post(unsigned worker, std::move_only_function<void(Worker&)> work) const;

 private:
  std::vector<Worker*> workers_;
};

} // namespace turnd
