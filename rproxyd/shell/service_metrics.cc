#include <fmt/format.h>

#include <map>
#include <string>

#include "rproxyd/shell/metrics.h"

namespace rproxyd {
namespace {

using metrics::Families;

// "slow heads" in the log is "slow_heads" here.
std::string label_of(Abuse kind) {
  std::string label(AbuseCounts::name(kind));
  for (char& c : label) {
    if (c == ' ') c = '_';
  }
  return label;
}

void add_reloads(Families& families, const program::ReloadRecord::Figures& reloads) {
  families
      .counter("vestibule_rproxyd_reloads_total", "Times that the configuration was read again.")
      .add(reloads.done, {{"result", "done"}})
      .add(reloads.refused, {{"result", "refused"}});
  families
      .gauge("vestibule_rproxyd_last_reload_refused",
             "1 when the latest reload was refused: what runs is not what the file says.")
      .add(reloads.last_refusal ? 1 : 0);
  families
      .gauge("vestibule_rproxyd_restart_needed",
             "Changed settings that take a restart to be in force.")
      .add(reloads.needs_restart.size());
  families
      .gauge("vestibule_rproxyd_configuration_loaded_timestamp_seconds",
             "Since when the configuration is in force, in Unix time.")
      .add(reloads.loaded.time_since_epoch().count());
}

} // namespace

void add_guard_metrics(Families& families, SharedGuard* guard) {
  families.gauge("vestibule_rproxyd_pin_guard_enabled", "1 when the PIN guard is on.")
      .add(guard != nullptr ? 1 : 0);
  if (guard == nullptr) return;
  const SharedGuard::Counters counters = guard->counters();
  families
      .gauge("vestibule_rproxyd_pin_guard_dry_run",
             "1 when the PIN guard only counts and refuses nobody.")
      .add(guard->dry_run() ? 1 : 0);
  families
      .counter("vestibule_rproxyd_pin_guard_attempts_total",
               "Requests for a token that were let through.")
      .add(counters.attempts);
  families.counter("vestibule_rproxyd_pin_guard_admissions_total", "Tokens that nodes gave.")
      .add(counters.admissions);
  families.counter("vestibule_rproxyd_pin_guard_wrong_pins_total", "PINs that nodes found wrong.")
      .add(counters.wrong_pins);
  families
      .counter("vestibule_rproxyd_pin_guard_failures_total",
               "Attempts that count against their client.")
      .add(counters.failures);
  families
      .counter("vestibule_rproxyd_pin_guard_slowed_total",
               "Times that an attempt was made to wait.")
      .add(counters.waits);
  families
      .counter("vestibule_rproxyd_pin_guard_refused_total",
               "Requests for a token that were refused, by reason.")
      .add(counters.refused_banned, {{"reason", "banned"}})
      .add(counters.refused_room, {{"reason", "room"}})
      .add(counters.refused_exhausted, {{"reason", "exhausted"}});
  families
      .counter("vestibule_rproxyd_pin_guard_would_refuse_total",
               "Requests for a token that a dry run would have refused.")
      .add(counters.would_refuse);
  families.counter("vestibule_rproxyd_pin_guard_bans_total", "Bans for failed attempts.")
      .add(counters.bans);
  families.gauge("vestibule_rproxyd_pin_guard_bans_active", "Bans that are in force.")
      .add(counters.bans_in_force);
  families
      .counter("vestibule_rproxyd_pin_guard_events_lost_total",
               "Events that the audit log does not have, since too many waited.")
      .add(counters.events_lost);
  if (!counters.fleet) return;
  const FleetFigures& fleet = *counters.fleet;
  families
      .gauge("vestibule_rproxyd_pin_guard_shared",
             "1 while counts and bans are common to all proxies that use the same Redis server.")
      .add(fleet.shares ? 1 : 0);
  families
      .gauge("vestibule_rproxyd_pin_guard_proxies",
             "Proxies that share the guard's counts, as last heard.")
      .add(static_cast<double>(fleet.siblings));
  families
      .counter("vestibule_rproxyd_pin_guard_decisions_total",
               "Attempts let through or refused by what all proxies know, or by this one alone.")
      .add(fleet.asked, {{"by", "all"}})
      .add(fleet.alone, {{"by", "alone"}});
  families
      .counter("vestibule_rproxyd_pin_guard_late_total",
               "Attempts that were decided alone since Redis did not answer in time.")
      .add(fleet.late);
}

void add_service_metrics(Families& families, const Service& service) {
  auto abuse = families.counter("vestibule_rproxyd_abuse_total",
                                "What clients did that costs more than it should, by kind.");
  for (std::size_t i = 0; i < AbuseCounts::kKinds; ++i) {
    const auto kind = static_cast<Abuse>(i);
    abuse.add(service.abuse.count(kind), {{"kind", label_of(kind)}});
  }
  families.gauge("vestibule_rproxyd_compressions_in_progress", "Answers that are compressed now.")
      .add(service.compressors.load());
  add_reloads(families, service.reloads.figures());
}

void add_certificate_metrics(Families& families, const Generation& generation) {
  std::map<std::string, core::WallTime> certificates; // several listeners may have the same
  for (const ListenerRules& listener : generation.listeners) {
    if (!listener.tls) continue;
    for (const tls::CertificateFacts& facts : listener.tls->certificates())
      certificates.insert_or_assign(facts.source, facts.not_after);
  }
  for (const auto& [source, not_after] : certificates) {
    families
        .gauge("vestibule_rproxyd_certificate_not_after_timestamp_seconds",
               "When a certificate ends, in Unix time.")
        .add(not_after.time_since_epoch().count(), {{"certificate", source}});
  }
}

} // namespace rproxyd
