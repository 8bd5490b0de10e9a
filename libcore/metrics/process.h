// What every daemon says of its process: what it uses of the machine, since when, and what it is. The
// process_* names are those that Prometheus' own client libraries use.
#pragma once

#include <string_view>

#include "libcore/base/time.h"
#include "libcore/metrics/families.h"

namespace metrics {

struct ProcessFigures {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptor_limit = 0; // the highest number if there is none
};

ProcessFigures read_process_figures(); // zero where the system doesn't tell

// `prefix`: "vestibule_rproxyd".
void add_process(Families& families, std::string_view prefix, const ProcessFigures& figures,
                 core::WallTime started);

} // namespace metrics
