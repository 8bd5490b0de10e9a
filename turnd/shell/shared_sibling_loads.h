// The loads of the alternate servers, which all workers share: a lock around the table, taken for new
// clients alone, and what operators are shown of it.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "turnd/relay/sibling_loads.h"
#include "turnd/shell/daemon_figures.h"

namespace turnd {

class SharedSiblingLoads final : public SiblingLoads {
 public:
  ~SharedSiblingLoads() = default;

  // From any thread, as all of it.
  void set(std::span<const ServerLoad> loads, std::uint64_t own, core::TimePoint as_of) {
    const std::lock_guard lock(mutex_);
    table_.set(loads, own, as_of);
    state_ = {.wanted = true, .known = true, .servers = loads.size(), .why_not = {}};
  }
  void set_unknown(std::string why) {
    const std::lock_guard lock(mutex_);
    table_.forget();
    state_ = {.wanted = true, .known = false, .servers = 0, .why_not = std::move(why)};
  }
  void set_unwanted() {
    const std::lock_guard lock(mutex_);
    table_.forget();
    state_ = {};
  }
  std::optional<core::SocketAddress> less_busy(std::uint64_t own, core::Family family,
                                               core::TimePoint now) override {
    const std::lock_guard lock(mutex_);
    return table_.less_busy(own, family, now);
  }
  LoadsState state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;
  SiblingLoadTable table_;
  LoadsState state_;
};

} // namespace turnd
