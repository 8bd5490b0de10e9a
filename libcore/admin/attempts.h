// Wrong tokens, by the address that they came from: after a few of them nothing from there is tried
// for a while, right ones included, so that guessing tells nothing.
#pragma once

#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace admin {

class Attempts {
 public:
  static constexpr unsigned kMost = 5; // wrong ones in kWindow
  static constexpr core::Duration kWindow = std::chrono::minutes(1);
  static constexpr std::size_t kMaxSources = 256; // a further one takes the place of the oldest

  bool may_try(const core::IpAddress& from, core::TimePoint now) const;
  void failed(const core::IpAddress& from, core::TimePoint now);

 private:
  struct Source {
    core::IpAddress network; // an IPv4 address, an IPv6 /64
    core::TimePoint since;   // the first of those that are counted
    unsigned failures = 0;
  };
  std::vector<Source> sources_;
};

} // namespace admin
