#include "turnd/shell/admin_content.h"

#include <memory>
#include <utility>

#include "libcore/event/gathering.h"
#include "libcore/event/loop.h"
#include "libcore/metrics/process.h"
#include "turnd/shell/metrics.h"
#include "turnd/shell/status.h"

namespace turnd {

AdminContent::AdminContent(admin::Facts facts, const Listeners& listeners,
                           const program::Supervisor& supervisor, Service& service,
                           const Offload& offload, std::vector<Worker*> workers)
    : facts_(std::move(facts)),
      listeners_(listeners),
      supervisor_(supervisor),
      service_(service),
      offload_(offload),
      workers_(std::move(workers)),
      last_(workers_.size()) {}

std::vector<prometheus::MetricFamily> AdminContent::metrics() {
  metrics::Families families;
  metrics::add_process(families, "vestibule_turnd", metrics::read_process_figures(),
                       facts_.started.wall);
  add_metrics(families, figures());
  return families.take();
}

nlohmann::json AdminContent::status() {
  const core::Now now = event::read_now();
  const DaemonFigures all = figures();
  nlohmann::json status = admin::common_status(facts_, program::name_of(supervisor_.state()), now);
  add_status(status, all, now.wall);
  status["warnings"] = warnings_.look(all, metrics::read_process_figures(), now.wall);
  return status;
}

DaemonFigures AdminContent::figures() {
  const auto gathering = std::make_shared<event::Gathering<WorkerFigures>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->copy_figures(
        [gathering, i](WorkerFigures copy) { gathering->answer(i, std::move(copy)); });
  }
  DaemonFigures figures = service_.figures();
  figures.certificates = listeners_.certificates();
  figures.offload = offload_.state();
  figures.workers = static_cast<unsigned>(workers_.size());
  figures.serving = ready();
  auto answers = gathering->wait(kPatience);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (auto& answer = answers[i]) {
      last_[i] = *std::move(answer);
    } else {
      ++figures.silent_workers;
    }
    figures.all += last_[i];
  }
  return figures;
}

} // namespace turnd
