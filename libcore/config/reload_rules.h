// "reload": when a daemon reads its configuration again without being told. The same for both daemons.
#pragma once

#include "libcore/config/value.h"

namespace config {

struct ReloadRules {
  bool watch = false; // when one of the files changes that the configuration names

  friend bool operator==(const ReloadRules&, const ReloadRules&) = default;
};

void read_reload_rules(const Value& value, ReloadRules& rules);

} // namespace config
