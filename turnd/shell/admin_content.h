// What turnd shows of itself over the admin address and socket.
#pragma once

#include "libcore/admin/content.h"
#include "libcore/admin/status.h"
#include "libcore/program/supervisor.h"
#include "turnd/shell/listeners.h"

namespace turnd {

class AdminContent final : public admin::Content {
 public:
  // Borrows the listeners, which take the place of those in `facts`, and the supervisor.
  AdminContent(admin::Facts facts, const Listeners& listeners,
               const program::Supervisor& supervisor)
      : facts_(std::move(facts)), listeners_(listeners), supervisor_(supervisor) {}

  bool ready() override { return !supervisor_.draining(); }
  std::vector<prometheus::MetricFamily> metrics() override;
  nlohmann::json status() override;

 private:
  const admin::Facts facts_;
  const Listeners& listeners_;
  const program::Supervisor& supervisor_;
};

} // namespace turnd
