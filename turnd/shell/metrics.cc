#include "turnd/shell/metrics.h"

#include <fmt/format.h>

#include <string>

namespace turnd {
namespace {

using metrics::Families;

constexpr std::array kAllTransports{Transport::udp, Transport::tcp, Transport::tls,
                                    Transport::dtls};

template <typename Name, typename Counts>
void add_each(metrics::Family family, std::string_view label, const Counts& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    family.add(counts[i], {{label, name_of(static_cast<Name>(i))}});
  }
}

void add_allocations(Families& families, const WorkerFigures& all) {
  const AllocationFigures& now = all.allocations;
  add_each<Transport>(families.gauge("vestibule_turnd_allocations",
                                     "Allocations, by the transport of their clients."),
                      "transport", now.by_transport);
  families
      .gauge("vestibule_turnd_allocations_by_family",
             "Allocations that have a relayed address of the family.")
      .add(now.by_family[0], {{"family", "ipv4"}})
      .add(now.by_family[1], {{"family", "ipv6"}});
  families
      .gauge("vestibule_turnd_allocations_by_kind",
             "Allocations that relay UDP or TCP (RFC 6062); mobile ones (RFC 8016) again.")
      .add(now.all - now.tcp, {{"kind", "udp"}})
      .add(now.tcp, {{"kind", "tcp"}})
      .add(now.mobile, {{"kind", "mobile"}});
  auto ages =
      families.gauge("vestibule_turnd_allocations_by_age",
                     "Allocations up to so many seconds old, and older than the age before.");
  const auto bounds = AllocationAges::bounds();
  for (std::size_t i = 0; i < now.ages.counts().size(); ++i) {
    const std::string age = i < bounds.size() ? fmt::format("{}", bounds[i]) : "more";
    ages.add(now.ages.counts()[i], {{"age", age}});
  }
  families.counter("vestibule_turnd_allocations_started_total", "Allocations that were granted.")
      .add(all.counters.allocations);
  auto ends = families.counter("vestibule_turnd_allocations_ended_total",
                               "Allocations that have ended, by why.");
  for (const auto end : {AllocationEnd::expired, AllocationEnd::deleted, AllocationEnd::client_gone,
                         AllocationEnd::killed}) {
    ends.add(all.counters.ends[static_cast<std::size_t>(end)], {{"reason", name_of(end)}});
  }
  const AllocationAges& lifetimes = all.counters.lifetimes;
  families
      .histogram("vestibule_turnd_allocation_lifetime_seconds",
                 "How long allocations had lived when they ended.")
      .add(AllocationAges::bounds(), lifetimes.counts(), lifetimes.sum());
  families.gauge("vestibule_turnd_permissions", "Permissions in force.").add(now.permissions);
  families.gauge("vestibule_turnd_channels", "Channels that are bound.").add(now.channels);
  families.gauge("vestibule_turnd_peer_connections", "Connections with peers of TCP allocations.")
      .add(now.connections);
  families.gauge("vestibule_turnd_tunnels", "Connections with peers that a client has bound.")
      .add(all.tunnels);
}

void add_traffic(Families& families, const WorkerFigures& all) {
  const Counters& counters = all.counters;
  for (const Transport transport : kAllTransports) {
    const auto i = static_cast<std::size_t>(transport);
    const std::string_view name = name_of(transport);
    families
        .counter("vestibule_turnd_relayed_packets_total",
                 "Datagrams that were relayed, by the transport of the client.")
        .add(counters.to_peers[i].packets, {{"direction", "to_peers"}, {"transport", name}})
        .add(counters.to_clients[i].packets, {{"direction", "to_clients"}, {"transport", name}});
    families
        .counter("vestibule_turnd_relayed_bytes_total",
                 "Bytes that were relayed: payloads alone, and those of TCP allocations.")
        .add(counters.to_peers[i].bytes, {{"direction", "to_peers"}, {"transport", name}})
        .add(counters.to_clients[i].bytes, {{"direction", "to_clients"}, {"transport", name}});
  }
  families.counter("vestibule_turnd_icmp_relayed_total", "ICMP errors that clients were told of.")
      .add(counters.icmp_to_clients);
  add_each<DropReason>(families.counter("vestibule_turnd_dropped_packets_total",
                                        "Packets and messages that were dropped, by why."),
                       "reason", counters.drops);
  add_each<SendLosses::Reason>(
      families.counter("vestibule_turnd_lost_sends_total",
                       "Datagrams that the kernel would not send, by why."),
      "reason", all.losses.by_reason);
  families
      .counter("vestibule_turnd_backlog_drops_total",
               "Datagrams that were too old or too many for a client's slow TCP connection.")
      .add(all.backlog_drops);
  families
      .histogram("vestibule_turnd_receive_batch_datagrams",
                 "How many datagrams one system call brought.")
      .add(BatchSizes::bounds(), all.received.counts(), all.received.sum());
  families
      .gauge("vestibule_turnd_buffer_bytes", "Memory that holds what waits for slow connections.")
      .add(all.buffer_bytes);
}

void add_offload(Families& families, const DaemonFigures& figures) {
  const Counters& counters = figures.all.counters;
  families.gauge("vestibule_turnd_offload_active", "1 while channels are relayed in the kernel.")
      .add(figures.offload.active ? 1 : 0);
  families.gauge("vestibule_turnd_offloaded_channels", "Channels that the kernel relays.")
      .add(figures.all.offload.bindings);
  families
      .counter("vestibule_turnd_offload_refused_channels_total",
               "Channels that the kernel had no room for.")
      .add(figures.all.offload.without_number + figures.all.offload.refused);
  families
      .counter("vestibule_turnd_offloaded_packets_total",
               "Datagrams that the kernel has relayed; they count among the relayed ones, too.")
      .add(counters.offloaded_to_peers.packets, {{"direction", "to_peers"}})
      .add(counters.offloaded_to_clients.packets, {{"direction", "to_clients"}});
  families
      .counter("vestibule_turnd_offloaded_bytes_total",
               "Bytes of payloads that the kernel has relayed, likewise.")
      .add(counters.offloaded_to_peers.bytes, {{"direction", "to_peers"}})
      .add(counters.offloaded_to_clients.bytes, {{"direction", "to_clients"}});
  add_each<OffloadPass>(
      families.counter("vestibule_turnd_offload_passed_packets_total",
                       "Datagrams of such channels that took the ordinary way, by why."),
      "reason", figures.offload.passes);
}

void add_loads(Families& families, const DaemonFigures& figures) {
  families
      .gauge("vestibule_turnd_loads_known",
             "1 while the loads of the alternate servers are known (alternate.loads_file).")
      .add(figures.loads.known ? 1 : 0);
  families
      .counter("vestibule_turnd_sent_to_less_busy_total",
               "Clients that were sent to another server because it is less busy.")
      .add(figures.all.counters.sent_to_less_busy);
}

void add_requests(Families& families, const Counters& counters) {
  auto requests = families.counter("vestibule_turnd_requests_total", "Requests, by method.");
  for (const stun::Method method : kServedMethods) {
    requests.add(counters.requests[index_of(method)], {{"method", name_of(method)}});
  }
  auto refused = families.counter("vestibule_turnd_refused_requests_total",
                                  "Requests that were answered with an error, by method and code.");
  for (const stun::Method method : kServedMethods) {
    for (const stun::ErrorCode code : Refusals::kErrorCodes) {
      const std::uint64_t count = counters.refusals.of(method, code);
      // Most of them can't be; the 401 that every conversation begins with always can.
      if (count == 0 && code != stun::ErrorCode::unauthenticated) continue;
      refused.add(count, {{"method", name_of(method)},
                          {"code", std::to_string(static_cast<unsigned>(code))}});
    }
  }
  add_each<Proof>(
      families.counter("vestibule_turnd_authentications_total",
                       "What requests proved of their senders; \"absent\" begins a conversation."),
      "result", counters.proofs);
  add_each<Limit>(families.counter("vestibule_turnd_limits_hit_total", "What limits held back."),
                  "limit", counters.limits);
}

void add_ports(Families& families, const DaemonFigures& figures) {
  for (const DaemonFigures::Relay& relay : figures.relays) {
    const std::string address = relay.address.to_string();
    families.gauge("vestibule_turnd_relay_ports", "Relay ports of an address.")
        .add(relay.ports, {{"address", address}});
    families
        .gauge("vestibule_turnd_relay_ports_in_use",
               "Relay ports of an address that have a socket, reserved ones included.")
        .add(relay.ports_used, {{"address", address}});
  }
  families
      .gauge("vestibule_turnd_reserved_ports",
             "Relay ports that wait for their client (EVEN-PORT).")
      .add(figures.reserved_ports);
}

void add_listeners(Families& families, const WorkerFigures& all) {
  for (const ListenerFigures& listener : all.listeners) {
    const std::string address = listener.address.to_string();
    const metrics::Labels labels{{"transport", name_of(listener.transport)}, {"address", address}};
    const auto with_result = [&labels](std::string_view value) {
      metrics::Labels more = labels;
      more.emplace_back("result", value);
      return more;
    };
    if (!is_stream(listener.transport)) {
      families
          .counter("vestibule_turnd_listener_queue_drops_total",
                   "Datagrams of clients for which the kernel had no room.")
          .add(listener.queue_drops, labels);
    }
    if (listener.transport == Transport::udp) continue;
    families.gauge("vestibule_turnd_listener_clients", "Clients that are connected.")
        .add(listener.clients.now, labels);
    families
        .counter("vestibule_turnd_listener_connections_total",
                 "Connections that were accepted; of DTLS, clients that brought their cookie.")
        .add(listener.clients.accepted, labels);
    families
        .counter("vestibule_turnd_listener_refused_connections_total",
                 "Connections that were refused, since too many had no allocation.")
        .add(listener.clients.refused, labels);
    if (listener.transport == Transport::tcp) continue;
    families.counter("vestibule_turnd_handshakes_total", "TLS and DTLS handshakes.")
        .add(listener.clients.handshakes, with_result("done"))
        .add(listener.clients.failed_handshakes, with_result("failed"));
  }
  families
      .counter("vestibule_turnd_relay_queue_drops_total",
               "Datagrams of peers for which the kernel had no room.")
      .add(all.relay_queue_drops);
  families
      .counter("vestibule_turnd_refused_proxies_total",
               "Connections of proxies that did not begin with a PROXY header.")
      .add(all.proxies_refused);
}

void add_configuration(Families& families, const DaemonFigures& figures) {
  families.gauge("vestibule_turnd_serving", "1 while new work is taken, 0 while draining.")
      .add(figures.serving ? 1 : 0);
  families.gauge("vestibule_turnd_workers", "Workers, each a thread.").add(figures.workers);
  families
      .gauge(
          "vestibule_turnd_workers_answering",
          "Workers that gave their figures in time; those of the others are what they last gave.")
      .add(figures.workers - figures.silent_workers);
  families.counter("vestibule_turnd_reloads_total", "Reloads of the configuration.")
      .add(figures.reloads.done, {{"result", "done"}})
      .add(figures.reloads.refused, {{"result", "refused"}});
  families
      .gauge(
          "vestibule_turnd_last_reload_refused",
          "1 when the configuration file was refused the last time, and an older one is in force.")
      .add(figures.reloads.last_refusal ? 1 : 0);
  families
      .gauge("vestibule_turnd_configuration_loaded_timestamp_seconds",
             "Since when the configuration is in force.")
      .add(figures.reloads.loaded.time_since_epoch().count());
  auto certificates = families.gauge("vestibule_turnd_certificate_not_after_timestamp_seconds",
                                     "When a certificate ends, by its file.");
  for (const tls::CertificateFacts& certificate : figures.certificates) {
    certificates.add(certificate.not_after.time_since_epoch().count(),
                     {{"file", certificate.source}});
  }
}

} // namespace

void add_metrics(Families& families, const DaemonFigures& figures) {
  add_allocations(families, figures.all);
  add_traffic(families, figures.all);
  add_offload(families, figures);
  add_loads(families, figures);
  add_requests(families, figures.all.counters);
  add_ports(families, figures);
  add_listeners(families, figures.all);
  add_configuration(families, figures);
}

} // namespace turnd
