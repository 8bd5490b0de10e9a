// What turnd shows of itself over the admin address and socket.
#pragma once

#include "libcore/admin/content.h"
#include "libcore/admin/status.h"
#include "libcore/program/supervisor.h"

namespace turnd {

class AdminContent final : public admin::Content {
 public:
  // Borrows the supervisor.
  AdminContent(admin::Facts facts, const program::Supervisor& supervisor)
      : facts_(std::move(facts)), supervisor_(supervisor) {}

  bool ready() override { return !supervisor_.draining(); }
  std::vector<prometheus::MetricFamily> metrics() override;
  nlohmann::json status() override;

 private:
  const admin::Facts facts_;
  const program::Supervisor& supervisor_;
};

} // namespace turnd
