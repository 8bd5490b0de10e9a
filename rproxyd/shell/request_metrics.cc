#include <fmt/format.h>

#include "rproxyd/shell/metrics.h"

namespace rproxyd {
namespace {

using metrics::Families;

void add(Families& families, std::string_view route, const ExchangeFigures& figures) {
  auto requests = families.counter("vestibule_rproxyd_requests_total",
                                   "Requests answered, by what served them and by status; 499: the "
                                   "client was gone before.");
  figures.statuses.each([&](std::string_view code, std::uint64_t count) {
    requests.add(count, {{"route", route}, {"code", code}});
  });
  if (figures.first_byte.count() > 0) {
    families
        .histogram("vestibule_rproxyd_request_first_byte_seconds",
                   "Time from a request's head to the head of its answer.")
        .add(figures.first_byte, {{"route", route}});
  }
  if (figures.whole.count() > 0) {
    families
        .histogram(
            "vestibule_rproxyd_request_duration_seconds",
            "Time from a request's head to the end of its answer; event streams and WebSockets "
            "are left out.")
        .add(figures.whole, {{"route", route}});
  }
}

} // namespace

void add_request_metrics(Families& families, const WorkerFigures& figures) {
  for (const auto& [name, pool] : figures.pools) {
    add(families, fmt::format("pool:{}", name), pool.exchanges);
  }
  for (std::size_t i = 0; i < kServedBy; ++i) {
    add(families, name_of(static_cast<ServedBy>(i)), figures.others[i]);
  }
  add(families, "malformed", figures.malformed);

  auto received = families.counter("vestibule_rproxyd_requests_received_total",
                                   "Requests whose head was in order, by version of HTTP.");
  for (std::size_t i = 0; i < WorkerFigures::kVersions.size(); ++i) {
    received.add(figures.requests_by_version[i], {{"version", WorkerFigures::kVersions[i]}});
  }
  families
      .gauge("vestibule_rproxyd_requests_in_progress",
             "Requests whose answer has not ended, event streams and WebSockets included.")
      .add(figures.exchanges_open);

  const auto lasting = [&](Lasting kind) { return static_cast<std::size_t>(kind); };
  families.gauge("vestibule_rproxyd_event_streams_open", "Event streams that are open.")
      .add(figures.lasting_open[lasting(Lasting::event_stream)]);
  families.counter("vestibule_rproxyd_event_streams_total", "Event streams begun.")
      .add(figures.lasting_begun[lasting(Lasting::event_stream)]);
  families.gauge("vestibule_rproxyd_websockets_open", "WebSockets that are open.")
      .add(figures.lasting_open[lasting(Lasting::web_socket)]);
  families.counter("vestibule_rproxyd_websockets_total", "WebSockets begun.")
      .add(figures.lasting_begun[lasting(Lasting::web_socket)]);
  families.counter("vestibule_rproxyd_turn_passages_total", "TURN connections passed on to turnd.")
      .add(figures.turn_begun);
  families
      .counter("vestibule_rproxyd_turn_unreachable_total",
               "TURN connections that could not be passed on, or broke on turnd's side.")
      .add(figures.turn_unreachable);
}

} // namespace rproxyd
