// Where the mobile allocations of all workers are: a lock around the table, taken when one begins,
// moves or ends, and when a client comes from elsewhere.
#pragma once

#include <mutex>

#include "turnd/relay/mobile_allocations.h"

namespace turnd {

class SharedMobileAllocations final : public MobileAllocations {
 public:
  ~SharedMobileAllocations() = default;

  bool add(AllocationNumber number, unsigned worker) override {
    const std::lock_guard lock(mutex_);
    return table_.add(number, worker);
  }
  void move(AllocationNumber number, unsigned worker) override {
    const std::lock_guard lock(mutex_);
    table_.move(number, worker);
  }
  void remove(AllocationNumber number) override {
    const std::lock_guard lock(mutex_);
    table_.remove(number);
  }
  std::optional<unsigned> owner(AllocationNumber number) override {
    const std::lock_guard lock(mutex_);
    return table_.owner(number);
  }

 private:
  std::mutex mutex_;
  MobileAllocationTable table_;
};

} // namespace turnd
