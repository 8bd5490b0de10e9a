#include "turnd/shell/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "libcore/admin/status.h"

namespace turnd {
namespace {

using Texts = std::vector<std::string>;

bool nearly_all(std::uint64_t used, std::uint64_t of) {
  return static_cast<double>(used) >= Warnings::kNearlyUsedUp * static_cast<double>(of);
}

void look_at_reloads(Texts& texts, const program::ReloadRecord::Figures& reloads) {
  if (reloads.last_refusal) {
    texts.emplace_back("the latest reload was refused: the file is not what is in force");
  }
  if (!reloads.needs_restart.empty()) {
    texts.push_back(
        fmt::format("a restart is needed for {}", fmt::join(reloads.needs_restart, ", ")));
  }
}

void look_at_certificates(Texts& texts, const DaemonFigures& figures, core::WallTime now) {
  for (const tls::CertificateFacts& facts : figures.certificates) {
    const auto left = std::chrono::floor<std::chrono::days>(facts.not_after - now);
    if (facts.not_after <= now) {
      texts.push_back(fmt::format("the certificate {} has expired", facts.source));
    } else if (left < Warnings::kCertificateEndsSoon) {
      texts.push_back(
          fmt::format("the certificate {} expires in {} days", facts.source, left.count()));
    }
    if (facts.source == "self-signed") {
      texts.emplace_back("a listener has a self-signed certificate, which clients may refuse");
    }
  }
}

} // namespace

nlohmann::json Warnings::look(const DaemonFigures& figures, const metrics::ProcessFigures& process,
                              core::WallTime now) {
  Texts texts;
  look_at_reloads(texts, figures.reloads);
  look_at_certificates(texts, figures, now);
  for (const DaemonFigures::Relay& relay : figures.relays) {
    if (!nearly_all(relay.ports_used, relay.ports)) continue;
    texts.push_back(
        fmt::format("the relay ports of {} are nearly used up", relay.address.to_string()));
  }
  if (nearly_all(process.open_descriptors, process.descriptor_limit)) {
    texts.emplace_back("descriptors are nearly used up");
  }
  if (figures.loads.wanted && !figures.loads.known) {
    texts.push_back("the loads of the alternate servers are unknown: " + figures.loads.why_not);
  }
  if (figures.silent_workers > 0) {
    texts.push_back(fmt::format("{} workers give no answer", figures.silent_workers));
  }

  std::map<std::string, core::WallTime> found;
  for (std::string& text : texts) {
    const auto known = since_.find(text);
    found.emplace(std::move(text), known == since_.end() ? now : known->second);
  }
  since_ = std::move(found);
  std::vector<std::pair<std::string, core::WallTime>> sorted(since_.begin(), since_.end());
  std::ranges::stable_sort(sorted, {}, &std::pair<std::string, core::WallTime>::second);
  auto warnings = nlohmann::json::array();
  for (const auto& [text, since] : sorted) {
    warnings.push_back({{"since", admin::rfc3339(since)}, {"text", text}});
  }
  return warnings;
}

} // namespace turnd
