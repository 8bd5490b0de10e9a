#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rproxyd/shell/metrics.h"

namespace rproxyd {
namespace {

using metrics::Families;
using metrics::Labels;

Labels with(const Labels& labels, std::string_view name, std::string_view value) {
  Labels more = labels;
  more.emplace_back(name, value);
  return more;
}

void add(Families& families, const Labels& labels, const SharedPool::BackendFigures& figures) {
  const BackendCounts& counts = figures.record.counts();
  auto state = families.gauge("vestibule_rproxyd_backend_state",
                              "1 for the state that a backend is in, 0 for the others.");
  for (std::size_t i = 0; i < kBackendStates; ++i) {
    const auto each = static_cast<BackendState>(i);
    state.add(each == figures.record.current().state ? 1 : 0, with(labels, "state", name_of(each)));
  }
  families
      .gauge("vestibule_rproxyd_backend_requests_in_progress",
             "Requests that a backend has and has not ended.")
      .add(figures.exchanges, labels);
  families
      .counter("vestibule_rproxyd_backend_requests_total",
               "Attempts at requests with a backend, by outcome: answered; broken: it broke off or "
               "gave no answer in time; unfinished: the client left, or no connection was made.")
      .add(counts.answered, with(labels, "outcome", "answered"))
      .add(counts.broken, with(labels, "outcome", "broken"))
      .add(counts.unfinished, with(labels, "outcome", "unfinished"));
  families
      .counter("vestibule_rproxyd_backend_connect_failures_total",
               "Connections to a backend that could not be made.")
      .add(counts.connect_failures, labels);
  families
      .counter("vestibule_rproxyd_backend_rests_total",
               "Times that a backend was left alone for a while, since it could not be reached.")
      .add(counts.rests, labels);
  families
      .counter("vestibule_rproxyd_backend_checks_total", "Health checks of a backend, by result.")
      .add(counts.checks_passed, with(labels, "result", "passed"))
      .add(counts.checks_failed, with(labels, "result", "failed"));
  families
      .histogram("vestibule_rproxyd_backend_first_byte_seconds",
                 "Time from sending a request to a backend to the head of its answer.")
      .add(counts.latency, labels);
}

void add_kept(Families& families, const WorkerFigures& figures) {
  std::map<std::pair<std::string_view, std::string_view>, std::pair<std::uint64_t, std::uint64_t>>
      sums;
  for (const WorkerFigures::Kept& kept : figures.kept) {
    auto& [idle, shared] = sums[{kept.pool, kept.backend}];
    idle += kept.idle;
    shared += kept.shared;
  }
  for (const auto& [names, counts] : sums) {
    families
        .gauge("vestibule_rproxyd_backend_connections",
               "Connections to a backend that are kept: idle ones of HTTP/1.1, and all of HTTP/2.")
        .add(counts.first, {{"pool", names.first}, {"backend", names.second}, {"kind", "idle"}})
        .add(counts.second, {{"pool", names.first}, {"backend", names.second}, {"kind", "shared"}});
  }
}

} // namespace

void add_pool_metrics(Families& families, std::span<const std::shared_ptr<SharedPool>> pools,
                      const WorkerFigures& figures) {
  for (const auto& pool : pools) {
    auto backends = pool->figures();
    // One that drains may have come back as another: the members come first, and names once.
    std::ranges::stable_partition(backends, [](const auto& each) {
      return each.record.current().state != BackendState::draining;
    });
    std::set<std::pair<std::string_view, std::string_view>> said;
    for (const SharedPool::BackendFigures& backend : backends) {
      const Backend& of = *backend.backend;
      if (!said.emplace(of.name, of.authority).second) continue;
      add(families, {{"pool", pool->name()}, {"backend", of.name}, {"server", of.authority}},
          backend);
    }
  }
  for (const auto& [name, pool] : figures.pools) {
    families
        .counter("vestibule_rproxyd_retries_total",
                 "Requests that were tried with another backend.")
        .add(pool.retries, {{"pool", name}});
    families
        .counter("vestibule_rproxyd_retries_refused_total",
                 "Requests that were not tried again, since the pool's budget was used up.")
        .add(pool.retries_refused, {{"pool", name}});
    families
        .histogram("vestibule_rproxyd_backend_connect_seconds",
                   "Time that new connections to backends took for a request, TLS included.")
        .add(pool.connect, {{"pool", name}});
  }
  add_kept(families, figures);
}

} // namespace rproxyd
