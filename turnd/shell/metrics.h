// turnd's figures as families of metrics. Labels are transports, reasons and such, and what stands in the
// configuration: never what clients send. docs/operating.md explains each.
#pragma once

#include "libcore/metrics/families.h"
#include "turnd/shell/daemon_figures.h"

namespace turnd {

void add_metrics(metrics::Families& families, const DaemonFigures& figures);

} // namespace turnd
