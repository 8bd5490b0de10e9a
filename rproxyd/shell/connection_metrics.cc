#include "rproxyd/shell/metrics.h"

namespace rproxyd {
namespace {

using metrics::Families;

void add_tls(Families& families, const TlsFigures& figures) {
  auto handshakes = families.counter("vestibule_rproxyd_tls_handshakes_total",
                                     "TLS handshakes of clients that succeeded.");
  for (std::size_t i = 0; i < TlsFigures::kVersions.size(); ++i) {
    for (std::size_t resumed = 0; resumed < 2; ++resumed) {
      handshakes.add(
          figures.handshakes[i][resumed],
          {{"version", TlsFigures::kVersions[i]}, {"resumed", resumed == 1 ? "true" : "false"}});
    }
  }
  auto failures = families.counter("vestibule_rproxyd_tls_handshake_failures_total",
                                   "TLS handshakes of clients that failed, by reason.");
  for (std::size_t i = 0; i < tls::kFailureKinds.size(); ++i) {
    failures.add(figures.failures[i], {{"reason", tls::kFailureKinds[i]}});
  }
  families
      .histogram("vestibule_rproxyd_tls_handshake_seconds",
                 "Time from accepting a client to the end of its TLS handshake.")
      .add(figures.handshake);
}

void add_traffic(Families& families, const WorkerFigures& figures) {
  auto received = families.counter("vestibule_rproxyd_received_bytes_total",
                                   "Bytes read from the network, TLS included.");
  auto add = [](metrics::Family& family, std::string_view side, std::uint64_t bytes) {
    family.add(bytes, {{"side", side}});
  };
  add(received, "clients", figures.clients.received);
  add(received, "backends", figures.backends.received);
  add(received, "turn", figures.turn.received);
  auto sent = families.counter("vestibule_rproxyd_sent_bytes_total",
                               "Bytes written to the network, TLS included.");
  add(sent, "clients", figures.clients.sent);
  add(sent, "backends", figures.backends.sent);
  add(sent, "turn", figures.turn.sent);
}

} // namespace

void add_connection_metrics(Families& families, const WorkerFigures& figures) {
  for (const auto& [address, listener] : figures.listeners) {
    const metrics::Labels labels = {{"listener", address}, {"transport", listener.transport}};
    families
        .counter("vestibule_rproxyd_connections_total", "Connections of clients that were taken.")
        .add(listener.accepted, labels);
    families.gauge("vestibule_rproxyd_connections_open", "Connections of clients that are open.")
        .add(listener.open, labels);
  }
  auto kinds = families.gauge("vestibule_rproxyd_connections_open_by_kind",
                              "Connections of clients that are open, by what they turned out to "
                              "be.");
  for (std::size_t i = 0; i < kConnectionKinds.size(); ++i) {
    kinds.add(figures.connections_open[i], {{"kind", kConnectionKinds[i]}});
  }
  auto refused = families.counter("vestibule_rproxyd_connections_refused_total",
                                  "Connections of clients that were closed at once, by reason.");
  for (std::size_t i = 0; i < kConnectionRefusals.size(); ++i) {
    refused.add(figures.connections_refused[i], {{"reason", kConnectionRefusals[i]}});
  }
  families
      .counter("vestibule_rproxyd_accept_pauses_total",
               "Times that nothing was accepted for a moment, for want of descriptors or memory.")
      .add(figures.accept_pauses);
  add_tls(families, figures.tls);
  add_traffic(families, figures);
  families
      .gauge("vestibule_rproxyd_buffered_bytes",
             "Memory in which bytes wait for a slow side, in whole chunks.")
      .add(figures.buffered_bytes);
}

} // namespace rproxyd
