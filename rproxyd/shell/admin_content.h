// What rproxyd shows of itself over the admin address and socket.
#pragma once

#include <vector>

#include "libcore/admin/content.h"
#include "libcore/admin/status.h"
#include "libcore/program/supervisor.h"
#include "rproxyd/shell/recent_latency.h"
#include "rproxyd/shell/service.h"
#include "rproxyd/shell/survey.h"
#include "rproxyd/shell/warnings.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

class AdminContent final : public admin::Content {
 public:
  // Borrows the supervisor, the service and the workers.
  AdminContent(admin::Facts facts, const program::Supervisor& supervisor, const Service& service,
               const std::vector<Worker*>& workers);

  bool ready() override { return !supervisor_.draining(); }
  std::vector<prometheus::MetricFamily> metrics() override;
  nlohmann::json status() override;

 private:
  const admin::Facts facts_;
  const program::Supervisor& supervisor_;
  const Service& service_;
  Survey<WorkerFigures> survey_;
  RecentLatency latency_;
  Warnings warnings_;
};

} // namespace rproxyd
