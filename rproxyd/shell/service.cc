#include "rproxyd/shell/service.h"

#include <utility>

namespace rproxyd {

std::shared_ptr<const Generation> Service::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void Service::set_generation(std::shared_ptr<const Generation> generation) {
  const std::lock_guard lock(mutex_);
  generation_ = std::move(generation);
}

} // namespace rproxyd
