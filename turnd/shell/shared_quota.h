// The quota that all workers share: a lock around the table, taken when an allocation begins or
// ends, never for a packet.
#pragma once

#include <mutex>

#include "turnd/relay/quota.h"

namespace turnd {

class SharedQuota final : public Quota {
 public:
  SharedQuota(std::uint64_t in_all, std::uint64_t per_user) : table_(in_all, per_user) {}
  ~SharedQuota() = default;

 protected:
  std::expected<void, QuotaRefusal> take(const std::string& user) override {
    const std::lock_guard lock(mutex_);
    return table_.take(user);
  }
  void give_back(const std::string& user) override {
    const std::lock_guard lock(mutex_);
    table_.give_back(user);
  }

 private:
  std::mutex mutex_;
  QuotaTable table_;
};

} // namespace turnd
