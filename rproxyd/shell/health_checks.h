// Active checks: asks every backend of the pools that want it, in intervals, how it is (contract:
// pools.*.health). One worker does it for all. Each check is a connection and a request of its own,
// so that it finds what a new client would find.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcore/event/loop.h"
#include "rproxyd/shell/backend_connection.h"
#include "rproxyd/shell/generation.h"
#include "rproxyd/shell/shared_pool.h"

namespace rproxyd {

class Worker;

class HealthChecks {
 public:
  // `worker` must outlive it.
  explicit HealthChecks(Worker& worker);
  ~HealthChecks();

  void adopt(const Generation& generation); // checks that it wants as they are go on
  void stop();                              // no check any more

 private:
  class Check;
  class Pool;
  friend class Check;
  friend class Pool;

  Worker& worker_;
  std::vector<std::unique_ptr<Pool>> pools_;
};

} // namespace rproxyd
