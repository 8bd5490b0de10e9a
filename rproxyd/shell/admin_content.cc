#include "rproxyd/shell/admin_content.h"

#include <chrono>

#include "libcore/event/loop.h"
#include "libcore/metrics/process.h"
#include "rproxyd/shell/metrics.h"
#include "rproxyd/shell/status.h"

namespace rproxyd {
namespace {

std::vector<Survey<WorkerFigures>::Asked> asked(const std::vector<Worker*>& workers) {
  std::vector<Survey<WorkerFigures>::Asked> all;
  all.reserve(workers.size());
  for (Worker* worker : workers) {
    all.push_back({.post = [worker](auto work) { worker->post(std::move(work)); },
                   .copy = [worker] { return worker->snapshot(); }});
  }
  return all;
}

} // namespace

AdminContent::AdminContent(admin::Facts facts, const program::Supervisor& supervisor,
                           const Service& service, const std::vector<Worker*>& workers)
    : facts_(std::move(facts)),
      supervisor_(supervisor),
      service_(service),
      survey_(asked(workers)) {}

std::vector<prometheus::MetricFamily> AdminContent::metrics() {
  const auto surveyed = survey_.ask();
  const auto generation = service_.generation();
  metrics::Families families;
  metrics::add_process(families, "vestibule_rproxyd", metrics::read_process_figures(),
                       facts_.started.wall);
  families.gauge("vestibule_rproxyd_serving", "1 while new work is taken, 0 while draining.")
      .add(ready() ? 1 : 0);
  families.gauge("vestibule_rproxyd_workers", "Workers, each a thread.").add(facts_.workers);
  families
      .gauge(
          "vestibule_rproxyd_workers_answering",
          "Workers that gave their figures in time; those of the others are what they last gave.")
      .add(surveyed.answered);
  add_request_metrics(families, surveyed.sum);
  add_connection_metrics(families, surveyed.sum);
  add_pool_metrics(families, generation->pools, surveyed.sum);
  add_guard_metrics(families, generation->guard.get());
  add_service_metrics(families, service_);
  add_certificate_metrics(families, *generation);
  families
      .counter("vestibule_rproxyd_log_lines_lost_total",
               "Lines of a log that could not be written.")
      .add(service_.log->lost(), {{"log", "daemon"}})
      .add(surveyed.sum.access_lines_lost, {{"log", "access"}});
  return families.take();
}

nlohmann::json AdminContent::status() {
  const core::Now now = event::read_now();
  const auto surveyed = survey_.ask();
  const WorkerFigures& figures = surveyed.sum;
  const auto generation = service_.generation();
  SharedGuard* guard = generation->guard.get();
  nlohmann::json status = admin::common_status(facts_, program::name_of(supervisor_.state()), now);
  status["configuration"].update(configuration_status(service_.reloads.figures()));
  status["listeners"] = listeners_status(figures);
  status["certificates"] = certificates_status(*generation, now);
  status["pools"] = pools_status(*generation, now);
  status["guard"] = guard_status(guard, now);
  status["totals"] = totals_status(figures, guard);
  status["gauges"] = gauges_status(figures);
  const core::Histogram recent = latency_.note(now.steady, figures.first_byte());
  const auto milliseconds = [&](double part) {
    return std::chrono::duration<double, std::milli>(recent.quantile(part)).count();
  };
  status["gauges"]["latency_p50_ms"] = milliseconds(0.5);
  status["gauges"]["latency_p99_ms"] = milliseconds(0.99);
  status["warnings"] = warnings_.look(
      service_, metrics::read_process_figures(),
      facts_.workers - std::min<std::size_t>(surveyed.answered, facts_.workers), now);
  return status;
}

} // namespace rproxyd
