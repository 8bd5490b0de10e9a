#include "turnd/shell/admin_content.h"

#include "libcore/event/loop.h"
#include "libcore/metrics/process.h"

namespace turnd {

std::vector<prometheus::MetricFamily> AdminContent::metrics() {
  metrics::Families families;
  metrics::add_process(families, "vestibule_turnd", metrics::read_process_figures(),
                       facts_.started.wall);
  return families.take();
}

nlohmann::json AdminContent::status() {
  admin::Facts facts = facts_;
  facts.listeners = listeners_.bound();
  return admin::common_status(facts, program::name_of(supervisor_.state()), event::read_now());
}

} // namespace turnd
