#include "rproxyd/shell/status.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "libcore/admin/status.h"
#include "libcore/metrics/process.h"

namespace rproxyd {
namespace {

using nlohmann::json;

std::string_view name_of(Settings::Policy policy) {
  switch (policy) {
    case Settings::Policy::round_robin:
      return "round_robin";
    case Settings::Policy::least_connections:
      return "least_connections";
    case Settings::Policy::client_hash:
      return "client_hash";
  }
  return "";
}

// A moment of the steady clock as the wall's.
std::string wall(core::TimePoint at, const core::Now& now) {
  return admin::rfc3339(now.wall -
                        std::chrono::duration_cast<std::chrono::seconds>(now.steady - at));
}

// To a tenth.
double milliseconds(core::Duration duration) {
  return std::round(std::chrono::duration<double, std::deci>(duration * 1000).count()) / 10;
}

json history(const BackendRecord& record, const core::Now& now) {
  auto all = json::array();
  for (const BackendRecord::Transition& each : record.transitions()) {
    all.push_back({{"at", wall(each.at, now)}, {"state", name_of(each.state)}, {"why", each.why}});
  }
  return all;
}

json server(const SharedPool::BackendFigures& figures, const core::Now& now) {
  const BackendRecord::Transition& current = figures.record.current();
  const BackendCounts& counts = figures.record.counts();
  return {{"address", figures.backend->name},
          {"server", figures.backend->authority},
          {"state", name_of(current.state)},
          {"since", wall(current.at, now)},
          {"why", current.why},
          {"weight", figures.weight},
          {"backup", figures.backup},
          {"in_flight", figures.exchanges},
          {"requests", counts.answered + counts.broken + counts.unfinished},
          {"failures", counts.broken + counts.connect_failures},
          {"latency_ms",
           {{"p50", milliseconds(counts.latency.quantile(0.5))},
            {"p99", milliseconds(counts.latency.quantile(0.99))}}},
          {"checks", {{"passed", counts.checks_passed}, {"failed", counts.checks_failed}}},
          {"history", history(figures.record, now)}};
}

json ban(const Ban& ban, const core::Now& now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(ban.until - now.steady);
  return {{"address", ban.network.to_string()},
          {"since", admin::rfc3339(ban.since)},
          {"until", admin::rfc3339(now.wall + left)},
          {"seconds_left", left.count()},
          {"reason", ban.by_hand ? std::string("by hand") : "wrong PINs, last at " + ban.room},
          {"offences", ban.offences},
          {"tokens_only", ban.tokens_only}};
}

} // namespace

json pools_status(const Generation& generation, const core::Now& now) {
  auto pools = json::array();
  for (const auto& pool : generation.pools) {
    auto servers = json::array();
    for (const SharedPool::BackendFigures& each : pool->figures())
      servers.push_back(server(each, now));
    const auto settings = generation.settings.pools.find(pool->name());
    const bool known = settings != generation.settings.pools.end();
    pools.push_back({{"name", pool->name()},
                     {"policy", known ? name_of(settings->second.policy) : ""},
                     {"servers", std::move(servers)}});
  }
  return pools;
}

json guard_status(SharedGuard* guard, const core::Now& now) {
  if (guard == nullptr) return {{"enabled", false}, {"bans", json::array()}};
  const SharedGuard::Counters counters = guard->counters();
  auto bans = json::array();
  for (const Ban& each : guard->bans(now)) {
    if (bans.size() >= kBansShown) break;
    bans.push_back(ban(each, now));
  }
  json fleet = nullptr;
  if (counters.fleet) {
    fleet = {{"shared", counters.fleet->shares},
             {"proxies", counters.fleet->siblings},
             {"decided_alone", counters.fleet->alone}};
  }
  return {{"enabled", true},
          {"dry_run", guard->dry_run()},
          {"fleet", std::move(fleet)},
          {"attempts", counters.attempts},
          {"admissions", counters.admissions},
          {"wrong_pins", counters.wrong_pins},
          {"slowed", counters.waits},
          {"refused", counters.refused_banned + counters.refused_room + counters.refused_exhausted},
          {"bans_total", counters.bans},
          {"bans_active", counters.bans_in_force},
          {"bans", std::move(bans)}};
}

json certificates_status(const Generation& generation, const core::Now& now) {
  auto certificates = json::array();
  std::set<std::string> said; // several listeners may have the same
  for (const ListenerRules& listener : generation.listeners) {
    if (!listener.tls) continue;
    for (const tls::CertificateFacts& facts : listener.tls->certificates()) {
      if (!said.insert(facts.source).second) continue;
      certificates.push_back(
          {{"file", facts.source},
           {"names", facts.names},
           {"not_after", admin::rfc3339(facts.not_after)},
           {"days_left",
            std::chrono::floor<std::chrono::days>(facts.not_after - now.wall).count()}});
    }
  }
  return certificates;
}

json listeners_status(const WorkerFigures& figures) {
  std::map<std::uint32_t, json> in_order;
  for (const auto& [address, each] : figures.listeners) {
    if (!each.listening) continue;
    in_order[each.number] = {
        {"transport", each.transport}, {"address", address}, {"connections", each.open}};
  }
  auto listeners = json::array();
  for (auto& [number, listener] : in_order) listeners.push_back(std::move(listener));
  return listeners;
}

json configuration_status(const program::ReloadRecord::Figures& reloads) {
  json last = nullptr;
  if (const auto& refusal = reloads.last_refusal)
    last = {{"at", admin::rfc3339(refusal->at)}, {"problems", refusal->problems}};
  return {{"loaded", admin::rfc3339(reloads.loaded)},
          {"reloads", {{"done", reloads.done}, {"refused", reloads.refused}}},
          {"last_refusal", std::move(last)},
          {"needs_restart", reloads.needs_restart}};
}

json totals_status(const WorkerFigures& figures, SharedGuard* guard) {
  std::uint64_t connections = 0;
  for (const auto& [address, each] : figures.listeners) connections += each.accepted;
  std::uint64_t refused = 0;
  for (const std::uint64_t each : figures.connections_refused) refused += each;
  std::uint64_t tls_failures = 0;
  for (const std::uint64_t each : figures.tls.failures) tls_failures += each;
  std::uint64_t retries = 0;
  for (const auto& [name, pool] : figures.pools) retries += pool.retries;
  json totals = {{"requests", figures.requests()},
                 {"errors", figures.server_errors()},
                 {"retries", retries},
                 {"connections", connections},
                 {"connections_refused", refused},
                 {"tls_handshakes", figures.tls.handshake.count()},
                 {"tls_failures", tls_failures},
                 {"received_bytes", figures.clients.received + figures.turn.received},
                 {"sent_bytes", figures.clients.sent + figures.turn.sent}};
  if (guard != nullptr) {
    const SharedGuard::Counters counters = guard->counters();
    totals["wrong_pins"] = counters.wrong_pins;
    totals["bans"] = counters.bans;
  }
  return totals;
}

json gauges_status(const WorkerFigures& figures) {
  const metrics::ProcessFigures process = metrics::read_process_figures();
  const auto kind = [&](ConnectionKind of) {
    return figures.connections_open[static_cast<std::size_t>(of)];
  };
  const auto lasting = [&](Lasting of) {
    return figures.lasting_open[static_cast<std::size_t>(of)];
  };
  return {{"connections", figures.connections()},
          {"connections_http_1", kind(ConnectionKind::http_1)},
          {"connections_http_2", kind(ConnectionKind::http_2)},
          {"turn_passages", kind(ConnectionKind::turn)},
          {"requests_in_progress", figures.exchanges_open},
          {"event_streams", lasting(Lasting::event_stream)},
          {"websockets", lasting(Lasting::web_socket)},
          {"buffered_bytes", figures.buffered_bytes},
          {"resident_bytes", process.resident_bytes},
          {"open_descriptors", process.open_descriptors},
          {"descriptor_limit", process.descriptor_limit}};
}

} // namespace rproxyd
