// Who has signed in on the page: cookies that mean nothing to anybody else. Pure but for the random
// names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/secret.h"
#include "libcore/base/time.h"

namespace admin {

class Sessions {
 public:
  static constexpr std::size_t kMax = 32; // a further one ends the one that was used least lately
  static constexpr core::Duration kIdle = std::chrono::hours(12);

  std::string begin(core::TimePoint now); // its name: 128 random bits, in hexadecimal
  bool use(std::string_view name, core::TimePoint now);
  void end(std::string_view name);
  void end_all() { sessions_.clear(); }

 private:
  struct Session {
    core::Secret name;
    core::TimePoint used;
  };
  std::vector<Session>::iterator find(std::string_view name);

  std::vector<Session> sessions_;
};

} // namespace admin
