// The quota that all workers share: a lock around the table, taken when an allocation begins or
// ends, never for a packet.
#pragma once

#include <mutex>

#include "turnd/relay/quota.h"

namespace turnd {

class SharedQuota final : public Quota {
 public:
  explicit SharedQuota(const QuotaLimits& limits) : table_(limits) {}
  ~SharedQuota() = default;

  void set_limits(const QuotaLimits& limits) {
    const std::lock_guard lock(mutex_);
    table_.set_limits(limits);
  }
  std::uint64_t taken() const override {
    const std::lock_guard lock(mutex_);
    return table_.taken();
  }

 protected:
  std::expected<User*, QuotaRefusal> take(std::string_view user) override {
    const std::lock_guard lock(mutex_);
    return table_.take(user);
  }
  User& take_beyond_limits(std::string_view user) override {
    const std::lock_guard lock(mutex_);
    return table_.take_beyond_limits(user);
  }
  void give_back(User& user) override {
    const std::lock_guard lock(mutex_);
    table_.give_back(user);
  }

 private:
  mutable std::mutex mutex_;
  QuotaTable table_;
};

} // namespace turnd
