#include "turnd/shell/status.h"

#include <chrono>

#include "libcore/admin/status.h"

namespace turnd {
namespace {

using nlohmann::json;

template <typename Counts>
std::uint64_t sum_of(const Counts& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}

// Only those that there is any of.
template <typename Name, typename Counts>
json by_name(const Counts& counts) {
  auto named = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) named[std::string(name_of(static_cast<Name>(i)))] = counts[i];
  }
  return named;
}

json configuration_status(const program::ReloadRecord::Figures& reloads) {
  json last = nullptr;
  if (const auto& refusal = reloads.last_refusal) {
    last = {{"at", admin::rfc3339(refusal->at)}, {"problems", refusal->problems}};
  }
  return {{"loaded", admin::rfc3339(reloads.loaded)},
          {"reloads", {{"done", reloads.done}, {"refused", reloads.refused}}},
          {"last_refusal", std::move(last)},
          {"needs_restart", reloads.needs_restart}};
}

json listeners_status(const WorkerFigures& all) {
  auto listeners = json::array();
  for (const ListenerFigures& each : all.listeners) {
    listeners.push_back({{"transport", name_of(each.transport)},
                         {"address", each.address.to_string()},
                         {"connections", each.clients.now}});
  }
  return listeners;
}

json certificates_status(const DaemonFigures& figures, core::WallTime now) {
  auto certificates = json::array();
  for (const tls::CertificateFacts& facts : figures.certificates) {
    const auto left = std::chrono::floor<std::chrono::days>(facts.not_after - now);
    certificates.push_back({{"file", facts.source},
                            {"names", facts.names},
                            {"not_after", admin::rfc3339(facts.not_after)},
                            {"days_left", left.count()}});
  }
  return certificates;
}

json allocations_status(const WorkerFigures& all) {
  const AllocationFigures& now = all.allocations;
  auto by_transport = json::object();
  for (std::size_t i = 0; i < kTransports; ++i) {
    by_transport[std::string(name_of(static_cast<Transport>(i)))] = now.by_transport[i];
  }
  return {{"total", now.all},
          {"by_transport", std::move(by_transport)},
          {"by_family", {{"ipv4", now.by_family[0]}, {"ipv6", now.by_family[1]}}},
          {"by_kind", {{"udp", now.all - now.tcp}, {"tcp", now.tcp}, {"mobile", now.mobile}}},
          {"permissions", now.permissions},
          {"channels", now.channels},
          {"connections", now.connections},
          {"ended", by_name<AllocationEnd>(all.counters.ends)}};
}

json relay_status(const DaemonFigures& figures) {
  auto relays = json::array();
  for (const DaemonFigures::Relay& relay : figures.relays) {
    relays.push_back({{"address", relay.address.to_string()},
                      {"ports", relay.ports},
                      {"ports_used", relay.ports_used}});
  }
  return relays;
}

json totals_status(const WorkerFigures& all) {
  const Counters& counters = all.counters;
  Traffic to_peers;
  Traffic to_clients;
  for (const Traffic& traffic : counters.to_peers) to_peers += traffic;
  for (const Traffic& traffic : counters.to_clients) to_clients += traffic;
  std::uint64_t refused = 0;
  for (const stun::ErrorCode code : Refusals::kErrorCodes) {
    if (code != stun::ErrorCode::unauthenticated) refused += counters.refusals.of(code);
  }
  const auto failed = [&counters](Proof proof) {
    return counters.proofs[static_cast<std::size_t>(proof)];
  };
  std::uint64_t queue_drops = all.relay_queue_drops;
  std::uint64_t handshakes = 0;
  std::uint64_t failed_handshakes = 0;
  for (const ListenerFigures& each : all.listeners) {
    queue_drops += each.queue_drops;
    failed_handshakes += each.clients.failed_handshakes;
    handshakes += each.clients.handshakes;
  }
  return {{"allocations", counters.allocations},
          {"packets_to_peers", to_peers.packets},
          {"bytes_to_peers", to_peers.bytes},
          {"packets_to_clients", to_clients.packets},
          {"bytes_to_clients", to_clients.bytes},
          {"requests", sum_of(counters.requests)},
          {"requests_refused", refused},
          {"logins_failed",
           failed(Proof::wrong) + failed(Proof::unknown_user) + failed(Proof::expired)},
          {"packets_dropped", sum_of(counters.drops)},
          {"packets_lost", all.losses.all() + queue_drops + all.backlog_drops},
          {"limits_hit", sum_of(counters.limits)},
          {"handshakes", handshakes},
          {"handshakes_failed", failed_handshakes}};
}

json offload_status(const DaemonFigures& figures) {
  const OffloadState& state = figures.offload;
  json why_not = nullptr;
  if (!state.active) why_not = state.wanted ? state.why_not : "it is not configured";
  const Counters& counters = figures.all.counters;
  const OffloadFigures& bindings = figures.all.offload;
  return {{"active", state.active},
          {"why_not", std::move(why_not)},
          {"interfaces", state.interfaces},
          {"channels", bindings.bindings},
          {"channels_begun", bindings.begun},
          {"channels_without_room", bindings.without_number},
          {"channels_refused", bindings.refused},
          {"packets_to_peers", counters.offloaded_to_peers.packets},
          {"packets_to_clients", counters.offloaded_to_clients.packets},
          {"bytes_to_peers", counters.offloaded_to_peers.bytes},
          {"bytes_to_clients", counters.offloaded_to_clients.bytes},
          {"packets_passed_up", by_name<OffloadPass>(state.passes)}};
}

json loads_status(const DaemonFigures& figures) {
  const LoadsState& state = figures.loads;
  json why_not = nullptr;
  if (!state.known) why_not = state.wanted ? state.why_not : "it is not configured";
  return {{"known", state.known},
          {"why_not", std::move(why_not)},
          {"servers", state.servers},
          {"sent_to_less_busy", figures.all.counters.sent_to_less_busy}};
}

json gauges_status(const DaemonFigures& figures) {
  std::uint64_t clients = 0;
  for (const ListenerFigures& each : figures.all.listeners) clients += each.clients.now;
  std::uint64_t ports = 0;
  for (const DaemonFigures::Relay& relay : figures.relays) ports += relay.ports_used;
  return {{"allocations", figures.all.allocations.all},
          {"connections", clients},
          {"relay_ports", ports},
          {"reserved_ports", figures.reserved_ports},
          {"tunnels", figures.all.tunnels},
          {"buffer_bytes", figures.all.buffer_bytes}};
}

} // namespace

void add_status(json& status, const DaemonFigures& figures, core::WallTime now) {
  status["configuration"].update(configuration_status(figures.reloads));
  status["listeners"] = listeners_status(figures.all);
  status["certificates"] = certificates_status(figures, now);
  status["allocations"] = allocations_status(figures.all);
  status["relay"] = relay_status(figures);
  status["offload"] = offload_status(figures);
  status["loads"] = loads_status(figures);
  status["dropped"] = by_name<DropReason>(figures.all.counters.drops);
  status["limits_hit"] = by_name<Limit>(figures.all.counters.limits);
  status["totals"] = totals_status(figures.all);
  status["gauges"] = gauges_status(figures);
}

} // namespace turnd
