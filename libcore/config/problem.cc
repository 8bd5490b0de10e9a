#include "libcore/config/problem.h"

#include <algorithm>

namespace config {

bool has_error(const Problems& problems) {
  return std::ranges::any_of(problems,
                             [](const Problem& p) { return p.severity == Severity::error; });
}

} // namespace config
