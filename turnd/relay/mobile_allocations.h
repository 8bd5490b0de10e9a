// Which worker has which mobile allocation (RFC 8016). A client whose address changes is dealt to a
// worker by its new address, and that one asks here whom to turn to.
#pragma once

#include <optional>
#include <unordered_map>

#include "turnd/relay/mobility_ticket.h"

namespace turnd {

// What a server asks. Each change is made by the worker that has the allocation.
class MobileAllocations {
 public:
  // False: the number is in use.
  virtual bool add(AllocationNumber number, unsigned worker) = 0;
  virtual void move(AllocationNumber number, unsigned worker) = 0;
  virtual void remove(AllocationNumber number) = 0;
  virtual std::optional<unsigned> owner(AllocationNumber number) = 0;

 protected:
  ~MobileAllocations() = default;
};

// For one thread at a time. As long as there are mobile allocations: their quota is its limit.
class MobileAllocationTable final : public MobileAllocations {
 public:
  ~MobileAllocationTable() = default;

  bool add(AllocationNumber number, unsigned worker) override {
    return owners_.emplace(number, worker).second;
  }
  void move(AllocationNumber number, unsigned worker) override { owners_[number] = worker; }
  void remove(AllocationNumber number) override { owners_.erase(number); }
  std::optional<unsigned> owner(AllocationNumber number) override {
    const auto found = owners_.find(number);
    if (found == owners_.end()) return std::nullopt;
    return found->second;
  }
  std::size_t size() const { return owners_.size(); }

 private:
  std::unordered_map<AllocationNumber, unsigned> owners_;
};

} // namespace turnd
