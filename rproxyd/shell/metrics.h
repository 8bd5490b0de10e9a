// rproxyd's metrics: what was counted, under the names that docs/operating.md lists. Labels are names of
// the configuration and fixed kinds; nothing that a client sends becomes one.
#pragma once

#include <span>
#include <vector>

#include "libcore/metrics/families.h"
#include "rproxyd/shell/figures.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

void add_request_metrics(metrics::Families& families, const WorkerFigures& figures);
void add_connection_metrics(metrics::Families& families, const WorkerFigures& figures);
void add_pool_metrics(metrics::Families& families,
                      std::span<const std::shared_ptr<SharedPool>> pools,
                      const WorkerFigures& figures);
void add_guard_metrics(metrics::Families& families, SharedGuard* guard); // null: off
void add_service_metrics(metrics::Families& families, const Service& service);
void add_certificate_metrics(metrics::Families& families, const Generation& generation);

} // namespace rproxyd
