// What turnd shows of itself over the admin address and socket.
#pragma once

#include <vector>

#include "libcore/admin/content.h"
#include "libcore/admin/status.h"
#include "libcore/program/supervisor.h"
#include "turnd/shell/daemon_figures.h"
#include "turnd/shell/listeners.h"
#include "turnd/shell/offload.h"
#include "turnd/shell/service.h"
#include "turnd/shell/warnings.h"
#include "turnd/shell/worker.h"

namespace turnd {

class AdminContent final : public admin::Content {
 public:
  // A worker that hasn't answered by then is silent: its last figures stand in for new ones, so that no
  // counter goes back.
  static constexpr core::Duration kPatience = std::chrono::seconds(1);

  // Borrows all but the facts.
  AdminContent(admin::Facts facts, const Listeners& listeners,
               const program::Supervisor& supervisor, Service& service, const Offload& offload,
               std::vector<Worker*> workers);

  bool ready() override { return !supervisor_.draining(); }
  std::vector<prometheus::MetricFamily> metrics() override;
  nlohmann::json status() override;

 private:
  DaemonFigures figures();

  const admin::Facts facts_;
  const Listeners& listeners_;
  const program::Supervisor& supervisor_;
  Service& service_;
  const Offload& offload_;
  const std::vector<Worker*> workers_;
  std::vector<WorkerFigures> last_; // by worker
  Warnings warnings_;
};

} // namespace turnd
