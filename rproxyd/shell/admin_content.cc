#include "rproxyd/shell/admin_content.h"

#include "libcore/event/loop.h"
#include "libcore/metrics/process.h"

namespace rproxyd {

std::vector<prometheus::MetricFamily> AdminContent::metrics() {
  metrics::Families families;
  metrics::add_process(families, "vestibule_rproxyd", metrics::read_process_figures(),
                       facts_.started.wall);
  return families.take();
}

nlohmann::json AdminContent::status() {
  return admin::common_status(facts_, program::name_of(supervisor_.state()), event::read_now());
}

} // namespace rproxyd
